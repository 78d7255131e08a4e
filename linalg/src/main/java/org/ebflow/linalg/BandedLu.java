package org.ebflow.linalg;

import java.util.Arrays;
import org.ebflow.linalg.backend.BandedFactors;
import org.ebflow.linalg.backend.BlasBackend;
import org.jspecify.annotations.Nullable;

/**
 * LU factorisation with partial pivoting of a banded matrix A [n,n], in float64: element (r, c) is
 * zero unless -lower ≤ c - r ≤ upper. {@link #factorize} reuses its memory for another matrix of
 * that shape.
 *
 * <p>Source: LAPACK's gbtrf and gbtrs. The elements of the inverse within the band are derived here
 * (docs/derivations/convolution.md).
 *
 * <p>Cost: with b diagonals on either side, 4·n·b² FLOP to factorise, 8·n·b per solution, 8·n·b²
 * for the band of the inverse. Memory: n·(3b + 1) numbers for the factors, and as many for the band
 * of the inverse once it was asked for.
 *
 * <p>Numerics: solutions and the inverse are accurate to cond(A)·ε of float64. NaN in A gives NaN
 * out.
 *
 * <p>Threading: thread-safe, but for {@link #factorize} and {@link #close}, which no other call may
 * run beside. Solutions run concurrently, inverses take turns. Once warm, what a training step
 * calls allocates nothing.
 */
public final class BandedLu extends LuFactorization {
  /**
   * FLOP of one backend call that solves, about 20 ms: LAPACK solves with the bands of U row by
   * row, at the speed of memory. Longer calls would hold the garbage collector back.
   */
  private static final double CALL_FLOP = 6e7;

  private final BlasBackend backend;
  private final @Nullable BandedFactors factors; // null when n is 0
  private final int lower;
  private final int upper;
  private final double[] columnSums;
  private final Row counted = this::readAndCount; // made once: a step allocates nothing
  private Row source = (r, band) -> {};
  private @Nullable InverseBand inverse;
  private boolean inverted;

  /**
   * One row of a banded matrix.
   *
   * <p>{@code band} has {@code lower + upper + 1} elements: element i is that of column {@code row
   * - lower + i}. Elements of columns that the matrix does not have are ignored.
   */
  @FunctionalInterface
  public interface Row {
    /** Reads or overwrites {@code band}, as the method that calls it says. */
    void row(int row, double[] band);
  }

  private BandedLu(
      BlasBackend backend, @Nullable BandedFactors factors, int n, int lower, int upper) {
    super(factors, n, CALL_FLOP / (2.0 * n * (lower + 2.0 * upper + 1)));
    this.backend = backend;
    this.factors = factors;
    this.lower = lower;
    this.upper = upper;
    columnSums = new double[n];
  }

  /** Memory for matrices of that shape, of which none is factorised yet. */
  static BandedLu allocate(BlasBackend backend, int n, int lower, int upper) {
    long size = (long) n * (lower + 2L * upper + 1);
    if (n < 0 || lower < 0 || upper < 0 || size > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "Blas.factorizeBanded: n is "
              + n
              + " with "
              + lower
              + " diagonals below and "
              + upper
              + " above, expected none negative and n·(lower + 2·upper + 1) less than 2^31");
    }
    BandedFactors factors = n == 0 ? null : backend.newBandedLu(n, lower, upper);
    return new BandedLu(backend, factors, n, lower, upper);
  }

  /**
   * Factorises another matrix in place of the last one, with the bits of a fresh factorisation.
   *
   * @param rows overwrites its argument with the row asked for; asked once for every row, in order
   */
  public void factorize(Row rows) {
    inverted = false;
    if (factors == null) {
      return;
    }
    Arrays.fill(columnSums, 0);
    source = rows;
    factors.factorize(counted);
    oneNorm = 0;
    for (double sum : columnSums) {
      oneNorm = Math.max(oneNorm, sum);
    }
  }

  /** Reads a row and adds its magnitudes to the sums of its columns. */
  private void readAndCount(int r, double[] band) {
    source.row(r, band);
    for (int c = Math.max(0, r - lower); c <= Math.min(n - 1, r + upper); c++) {
      columnSums[c] += Math.abs(band[lower + c - r]);
    }
  }

  /**
   * Gives the elements of A⁻ᵀ that lie in the band of A: ∂ log|det A|/∂A, where A may be other than
   * zero. They are computed once for each factorisation.
   *
   * @param use called for every row of A⁻ᵀ, in order, with its elements laid out as those of A; a
   *     column that the matrix does not have is zero
   * @throws IllegalStateException if A is singular
   */
  public synchronized void inverseTransposed(Row use) {
    requireRegular("inverseTransposed");
    if (factors == null) {
      return;
    }
    InverseBand band = inverse;
    if (band == null) {
      band = new InverseBand(backend, n, lower, upper);
      inverse = band;
    }
    if (!inverted) {
      band.invert(factors);
      inverted = true;
    }
    band.forEachRow(use);
  }
}
