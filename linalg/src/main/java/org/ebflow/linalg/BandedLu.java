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
 * run beside. Solutions run concurrently, inverses take turns. Once warm, no call allocates, except
 * solutions of float32 rows.
 */
public final class BandedLu implements AutoCloseable {
  /**
   * FLOP of one backend call that solves, about 20 ms: LAPACK solves with the bands of U row by row,
   * at the speed of memory. Longer calls would hold the garbage collector back.
   */
  private static final double CALL_FLOP = 6e7;

  private final BlasBackend backend;
  private final @Nullable BandedFactors factors; // null when n is 0
  private final int n;
  private final int lower;
  private final int upper;
  private final double[] columnSums;
  private final Row counted = this::readAndCount; // made once: a step allocates nothing
  private Row source = (r, band) -> {};
  private double oneNorm;
  private @Nullable InverseBand inverse;
  private boolean inverted;

  /**
   * One row of a banded matrix.
   *
   * <p>{@code band} has {@code lower + upper + 1} elements: element i is that of column {@code row -
   * lower + i}. Elements of columns that the matrix does not have are ignored.
   */
  @FunctionalInterface
  public interface Row {
    /** Reads or overwrites {@code band}, as the method that calls it says. */
    void row(int row, double[] band);
  }

  BandedLu(BlasBackend backend, int n, int lower, int upper) {
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
    this.backend = backend;
    this.n = n;
    this.lower = lower;
    this.upper = upper;
    factors = n == 0 ? null : backend.newBandedLu(n, lower, upper);
    columnSums = new double[n];
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
   * Frees native memory now rather than when the garbage collector comes round; no other call may
   * run beside or follow.
   */
  @Override
  public void close() {
    if (factors != null) {
      factors.close();
    }
  }

  /** log|det A| in nats; -Inf when singular. */
  public double logAbsDeterminant() {
    if (factors == null) {
      return 0;
    }
    if (singular()) {
      return Double.NEGATIVE_INFINITY;
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += StrictMath.log(Math.abs(factors.pivot(i))); // the same bits whatever the JIT does
    }
    return sum;
  }

  /** Whether a pivot is exactly zero. */
  public boolean singular() {
    if (factors != null) {
      for (int i = 0; i < n; i++) {
        if (factors.pivot(i) == 0) {
          return true;
        }
      }
    }
    return false;
  }

  /** Estimated condition number, as {@link Lu#condition}. */
  public double condition() {
    if (singular()) {
      return Double.POSITIVE_INFINITY;
    }
    return factors == null
        ? 1
        : oneNorm
            * ConditionEstimate.inverseOneNorm(
                this::solveRows, this::solveRowsTransposed, Precision.FLOAT64, n);
  }

  /**
   * Solves A x = r for each row r. Thread-safe.
   *
   * @param rows overwritten with the solutions, [count,n], in any precision; solved in float64
   * @throws IllegalStateException if A is singular
   */
  public void solveRows(Matrix rows) {
    solve(false, rows);
  }

  /** Solves Aᵀ x = r for each row r; otherwise as {@link #solveRows}. */
  public void solveRowsTransposed(Matrix rows) {
    solve(true, rows);
  }

  private void solve(boolean transpose, Matrix rows) {
    if (rows.columns() != n) {
      throw new IllegalArgumentException(
          "BandedLu.solveRows: rows is " + rows + ", expected [*," + n + "]");
    }
    requireRegular("solveRows");
    if (factors == null || rows.size() == 0) {
      return;
    }
    double flop = 2.0 * n * (lower + 2.0 * upper + 1);
    int most = (int) Math.clamp(CALL_FLOP / flop, 1, rows.rows());
    Matrix converted =
        rows.precision() == Precision.FLOAT64
            ? null
            : Matrix.allocate(Precision.FLOAT64, most, n);
    for (int r = 0; r < rows.rows(); r += most) {
      int count = Math.min(most, rows.rows() - r);
      if (converted == null) {
        factors.solve(transpose, rows, rows.offset() + r * rows.stride(), count);
      } else {
        for (int i = 0; i < count; i++) {
          converted.copyRow(rows, r + i, i);
        }
        factors.solve(transpose, converted, 0, count);
        for (int i = 0; i < count; i++) {
          rows.copyRow(converted, i, r + i);
        }
      }
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

  private void requireRegular(String method) {
    if (singular()) {
      throw new IllegalStateException(
          "BandedLu." + method + ": the matrix [" + n + "," + n + "] is singular");
    }
  }
}
