package org.ebflow.linalg.backend;

import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.reference.BandedLuLoops;
import org.ebflow.linalg.reference.JacobiEigen;
import org.ebflow.linalg.reference.QrLoops;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products of one native or Java library, and its LU routines.
 *
 * <p>Arguments were validated by the facade: shapes fit, precisions agree, the output overlaps no
 * input, no dimension is zero. Once warm, a product allocates nothing. Every call runs on the
 * calling thread alone and may run beside others on other threads.
 */
public interface BlasBackend {
  /** Name by which the backend is chosen. */
  String name();

  /** Library and version, for provenance. */
  String version();

  /**
   * c ← alpha·op(a)·op(b) + beta·c on blocks of the matrices: each begins at an index of its
   * matrix's array and has its matrix's stride.
   *
   * @param m rows of op(a) and c
   * @param n columns of op(b) and c
   * @param k columns of op(a), rows of op(b)
   * @param a read, [m,k], or [k,m] when transposed
   * @param aFrom index of the block's first element in the array of {@code a}
   * @param b read, [k,n], or [n,k] when transposed
   * @param bFrom index of the block's first element in the array of {@code b}
   * @param c overwritten, [m,n]; not read when beta is 0
   * @param cFrom index of the block's first element in the array of {@code c}
   */
  void multiply(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      double alpha,
      Matrix a,
      int aFrom,
      Matrix b,
      int bFrom,
      double beta,
      Matrix c,
      int cFrom);

  /** Whether {@link #multiplyBFloat16} is there, and no slower than {@link #multiply}. */
  default boolean multipliesBFloat16() {
    return false;
  }

  /**
   * As {@link #multiply}, of operands rounded to bfloat16 into a float32 matrix; sums are float32.
   *
   * @throws UnsupportedOperationException unless {@link #multipliesBFloat16}
   */
  default void multiplyBFloat16(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      double alpha,
      BFloat16Matrix a,
      int aFrom,
      BFloat16Matrix b,
      int bFrom,
      double beta,
      Matrix c,
      int cFrom) {
    throw new UnsupportedOperationException("backend " + name() + " has no bfloat16 products");
  }

  /**
   * A copy of a weight packed for products x·weightᵀ, or null if the library has no packed form of
   * a weight of that shape and format.
   *
   * @param rows how many rows x usually has; the layout is chosen for them and serves any number
   * @param upper whether the weight is square and upper triangular: what lies below its diagonal is
   *     zero, and need not be read or multiplied
   * @param weight read, [n,k], no dimension zero
   */
  default @Nullable PackedOperand pack(int rows, boolean upper, Operand weight) {
    return null;
  }

  /**
   * R of the factorisation a = Q·R with orthogonal Q, computed in float64.
   *
   * @param a read, [m,n], in any precision, no dimension zero
   * @param r overwritten, [m,n], in any precision: zero below the diagonal
   */
  default void triangularFactor(Matrix a, Matrix r) {
    QrLoops.triangularFactor(a, r);
  }

  /**
   * Eigenvalues in ascending order, each with its eigenvector, computed in float64.
   *
   * @param symmetric read, [n,n] in any precision, finite, n positive
   * @param values overwritten, [1,n] float64
   * @param vectors overwritten, [n,n] float64: row i is the eigenvector of value i
   */
  default void symmetricEigen(Matrix symmetric, Matrix values, Matrix vectors) {
    JacobiEigen.decompose(symmetric, values, vectors);
  }

  /** Memory for LU factors of an [n,n] matrix, n positive, computed in at least that precision. */
  LuFactors newLu(Precision precision, int n);

  /**
   * Memory for LU factors of a banded matrix [n,n] with that many diagonals below and above the
   * main one, n positive.
   */
  default BandedFactors newBandedLu(int n, int lower, int upper) {
    return new BandedLuLoops(n, lower, upper);
  }
}
