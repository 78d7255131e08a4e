package org.ebflow.linalg;

import org.ebflow.linalg.backend.LuFactors;
import org.ebflow.linalg.reference.DoubleTranspose;
import org.ebflow.linalg.reference.FloatTranspose;
import org.jspecify.annotations.Nullable;

/**
 * LU factorisation with partial pivoting of a square matrix A [n,n]. {@link #factorize} reuses its
 * memory for another matrix of that size.
 *
 * <p>Numerics: solutions and the inverse are accurate to cond(A)·ε of the factors' precision. NaN
 * in A gives NaN out.
 *
 * <p>Memory: once warm, what a training step calls allocates nothing: factorising, solving by the
 * same threads, adding the inverse, the determinant.
 *
 * <p>Threading: thread-safe, but for {@link #factorize} and {@link #close}, which no other call may
 * run beside. Solutions run concurrently, inverses take turns.
 */
public final class Lu extends LuFactorization {
  /**
   * FLOP of one backend call that solves, about 20 ms at 30 GFLOP/s. Longer calls would hold the
   * garbage collector back; shorter ones would read all factors more often.
   */
  private static final double CALL_FLOP = 6e8;

  /** Rows and columns of a tile that is transposed in the first cache. */
  private static final int TILE = 32;

  private final @Nullable LuFactors factors; // null when n is 0
  private final Precision precision;
  private final double[] columnSums;

  private final Matrix tile;
  private final Matrix convertedTile;

  Lu(@Nullable LuFactors factors, Precision precision, int n) {
    super(factors, n, CALL_FLOP / (2.0 * n * n));
    this.factors = factors;
    this.precision = precision;
    columnSums = new double[n];
    Precision own = factors == null ? precision : factors.precision();
    tile = Matrix.allocate(own, TILE, TILE);
    convertedTile =
        Matrix.allocate(
            own == Precision.FLOAT32 ? Precision.FLOAT64 : Precision.FLOAT32, TILE, TILE);
  }

  /**
   * Factorises another matrix in place of the last one, with the bits of a fresh factorisation.
   *
   * @param a read, [n,n], in any precision
   */
  public void factorize(Matrix a) {
    if (a.rows() != n || a.columns() != n) {
      throw new IllegalArgumentException(
          "Lu.factorize: a is " + a + ", expected [" + n + "," + n + "]");
    }
    oneNorm = ConditionEstimate.oneNorm(a, columnSums);
    if (factors != null) {
      factors.factorize(a);
    }
  }

  /**
   * A⁻¹ as a new matrix in the precision asked for.
   *
   * @throws IllegalStateException if A is singular
   */
  public synchronized Matrix inverse() {
    requireRegular("inverse");
    if (factors == null) {
      return Matrix.allocate(precision, 0, 0);
    }
    factors.invert();
    Matrix inverse = Matrix.allocate(factors.precision(), n, n);
    for (int r = 0; r < n; r++) {
      factors.copyInverse(r, 0, n, inverse, r * n);
    }
    return factors.precision() == precision ? inverse : inverse.copy(precision);
  }

  /**
   * sum ← sum + scale·A⁻ᵀ, the gradient of scale·log|det A|.
   *
   * @param sum accumulated into, [n,n], in any precision
   * @throws IllegalStateException if A is singular
   */
  public synchronized void addInverseTransposed(double scale, Matrix sum) {
    if (sum.rows() != n || sum.columns() != n) {
      throw new IllegalArgumentException(
          "Lu.addInverseTransposed: sum is " + sum + ", expected [" + n + "," + n + "]");
    }
    requireRegular("addInverseTransposed");
    if (factors == null) {
      return;
    }
    factors.invert();
    for (int r = 0; r < n; r += TILE) {
      for (int c = 0; c < n; c += TILE) {
        addTileTransposed(factors, scale, sum, r, Math.min(TILE, n - r), c, Math.min(TILE, n - c));
      }
    }
  }

  /**
   * Adds scale·A⁻ᵀ to one tile of sum: its columns from {@code r} on, its rows from {@code c} on.
   */
  private void addTileTransposed(
      LuFactors inverted, double scale, Matrix sum, int r, int rows, int c, int columns) {
    for (int i = 0; i < rows; i++) {
      inverted.copyInverse(r + i, c, columns, tile, i * TILE);
    }
    Matrix block = tile;
    if (sum.precision() != tile.precision()) {
      convertedTile.copyFrom(tile);
      block = convertedTile;
    }
    int to = sum.offset() + c * sum.stride() + r;
    if (sum.precision() == Precision.FLOAT32) {
      FloatTranspose.add(
          (float) scale, block.floats(), TILE, rows, columns, sum.floats(), to, sum.stride());
    } else {
      DoubleTranspose.add(
          scale, block.doubles(), TILE, rows, columns, sum.doubles(), to, sum.stride());
    }
  }
}
