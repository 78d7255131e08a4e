package org.ebflow.linalg;

import org.ebflow.linalg.backend.PivotedFactors;
import org.jspecify.annotations.Nullable;

/**
 * LU factorisation with partial pivoting of a square matrix A [n,n]: its determinant, condition and
 * solutions. {@link Lu} is that of a dense matrix, {@link BandedLu} that of a banded one.
 *
 * <p>Numerics: solutions are accurate to cond(A)·ε of the factors' precision. NaN in A gives NaN
 * out.
 *
 * <p>Memory: once warm, solving by the same threads and the determinant allocate nothing.
 *
 * <p>Threading: thread-safe, but for {@link #close} and for another factorisation in the same
 * memory, which no other call may run beside. Solutions run concurrently.
 */
public abstract sealed class LuFactorization implements AutoCloseable permits BandedLu, Lu {
  /** Rows and columns of A. */
  final int n;

  /** Largest sum of magnitudes of a column of A, ‖A‖₁. */
  double oneNorm;

  private final @Nullable PivotedFactors factors; // null when n is 0
  private final double rowsPerCall;

  /**
   * Right-hand sides in the factors' precision, one per thread; of this factorisation, whose size
   * they have.
   */
  @SuppressWarnings("ThreadLocalUsage")
  private final ThreadLocal<Matrix> converted = new ThreadLocal<>();

  /** With at most {@code rowsPerCall} rows, or one, in a backend call that solves. */
  LuFactorization(@Nullable PivotedFactors factors, int n, double rowsPerCall) {
    this.factors = factors;
    this.n = n;
    this.rowsPerCall = rowsPerCall;
  }

  /**
   * Frees native memory now rather than when the garbage collector comes round; no other call may
   * run beside or follow.
   */
  @Override
  public final void close() {
    if (factors != null) {
      factors.close();
    }
  }

  /** log|det A| in nats, summed in float64; -Inf when singular. */
  public final double logAbsDeterminant() {
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
  public final boolean singular() {
    if (factors != null) {
      for (int i = 0; i < n; i++) {
        if (factors.pivot(i) == 0) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * Estimated condition number ‖A‖₁·‖A⁻¹‖₁ (a lower bound, rarely off by more than 3), +Inf when
   * singular, NaN when A has NaN.
   */
  public final double condition() {
    if (singular()) {
      return Double.POSITIVE_INFINITY;
    }
    return factors == null
        ? 1
        : oneNorm
            * ConditionEstimate.inverseOneNorm(
                this::solveRows, this::solveRowsTransposed, factors.precision(), n);
  }

  /**
   * Solves A x = r for each row r. Thread-safe.
   *
   * @param rows overwritten with the solutions, [count,n], in any precision; solved in the factors'
   *     own
   * @throws IllegalStateException if A is singular
   */
  public final void solveRows(Matrix rows) {
    solve(false, rows);
  }

  /** Solves Aᵀ x = r for each row r; otherwise as {@link #solveRows}. */
  final void solveRowsTransposed(Matrix rows) {
    solve(true, rows);
  }

  private void solve(boolean transpose, Matrix rows) {
    if (rows.columns() != n) {
      throw new IllegalArgumentException(
          name() + ".solveRows: rows is " + rows + ", expected [*," + n + "]");
    }
    requireRegular("solveRows");
    if (factors == null || rows.size() == 0) {
      return;
    }
    int most = (int) Math.clamp(rowsPerCall, 1, rows.rows());
    for (int r = 0; r < rows.rows(); r += most) {
      int count = Math.min(most, rows.rows() - r);
      if (rows.precision() == factors.precision()) {
        factors.solve(transpose, rows, rows.offset() + r * rows.stride(), count);
      } else {
        solveConverted(factors, transpose, rows, r, count);
      }
    }
  }

  private void solveConverted(
      PivotedFactors regular, boolean transpose, Matrix rows, int from, int count) {
    Matrix scratch = converted.get();
    if (scratch == null || scratch.rows() < count) {
      scratch = Matrix.allocate(regular.precision(), count, n);
      converted.set(scratch);
    }
    for (int r = 0; r < count; r++) {
      scratch.copyRow(rows, from + r, r);
    }
    regular.solve(transpose, scratch, 0, count);
    for (int r = 0; r < count; r++) {
      rows.copyRow(scratch, r, from + r);
    }
  }

  final void requireRegular(String method) {
    if (singular()) {
      throw new IllegalStateException(
          name() + "." + method + ": the matrix [" + n + "," + n + "] is singular");
    }
  }

  private String name() {
    return getClass().getSimpleName();
  }
}
