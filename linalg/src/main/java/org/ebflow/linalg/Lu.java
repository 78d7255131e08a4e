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
public final class Lu implements AutoCloseable {
  /**
   * FLOP of one backend call that solves, about 20 ms at 30 GFLOP/s. Longer calls would hold the
   * garbage collector back; shorter ones would read all factors more often.
   */
  private static final double CALL_FLOP = 6e8;

  /** Rows and columns of a tile that is transposed in the first cache. */
  private static final int TILE = 32;

  private final @Nullable LuFactors factors; // null when n is 0
  private final Precision precision;
  private final int n;
  private final double[] columnSums;
  private double oneNorm;

  /**
   * Right-hand sides in the factors' precision, one per thread; of this factorisation, whose size
   * they have.
   */
  @SuppressWarnings("ThreadLocalUsage")
  private final ThreadLocal<Matrix> converted = new ThreadLocal<>();

  private final Matrix tile;
  private final Matrix convertedTile;

  Lu(@Nullable LuFactors factors, Precision precision, int n) {
    this.factors = factors;
    this.precision = precision;
    this.n = n;
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
   * Frees native memory now rather than when the garbage collector comes round; no other call may
   * run beside or follow.
   */
  @Override
  public void close() {
    if (factors != null) {
      factors.close();
    }
  }

  /** log|det A| in nats, summed in float64; -Inf when singular. */
  public double logAbsDeterminant() {
    if (factors == null) {
      return 0;
    }
    if (singular()) {
      return Double.NEGATIVE_INFINITY;
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum +=
          StrictMath.log(
              Math.abs(factors.pivot(i))); // the same bits whatever the JIT compiler does
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

  /**
   * Estimated condition number ‖A‖₁·‖A⁻¹‖₁ (a lower bound, rarely off by more than 3), +Inf when
   * singular, NaN when A has NaN.
   */
  public double condition() {
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
  public void solveRows(Matrix rows) {
    if (rows.columns() != n) {
      throw new IllegalArgumentException(
          "Lu.solveRows: rows is " + rows + ", expected [*," + n + "]");
    }
    solve(false, rows);
  }

  /** Solves Aᵀ x = r for each row r; otherwise as {@link #solveRows}. */
  void solveRowsTransposed(Matrix rows) {
    solve(true, rows);
  }

  private void solve(boolean transpose, Matrix rows) {
    requireRegular("solveRows");
    if (factors == null || rows.size() == 0) {
      return;
    }
    int most = (int) Math.clamp(CALL_FLOP / (2.0 * n * n), 1, rows.rows());
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
      LuFactors regular, boolean transpose, Matrix rows, int from, int count) {
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

  private void requireRegular(String method) {
    if (singular()) {
      throw new IllegalStateException(
          "Lu." + method + ": the matrix [" + n + "," + n + "] is singular");
    }
  }
}
