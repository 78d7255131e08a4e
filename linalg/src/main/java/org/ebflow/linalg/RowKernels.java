package org.ebflow.linalg;

/**
 * Vector arithmetic on rows and columns. Matrices are contiguous and of one precision, per-row
 * float64 numbers are [1,rows] views. Reductions add in a fixed order. An output may be the same
 * view as an input of the same shape, but must not overlap it otherwise.
 */
public interface RowKernels {
  /** y[r,·] += bias, bias [1,width]. */
  void addToRows(Matrix y, Matrix bias);

  /** y[r,·] ← x[r,·] - bias, bias [1,width]. */
  void subtractFromRows(Matrix x, Matrix bias, Matrix y);

  /** y ← x / scale per column; scale [1,width]. */
  void divideColumns(Matrix x, Matrix scale, Matrix y);

  /** y ← e^(-x), elementwise. */
  void expNegative(Matrix x, Matrix y);

  /** out ← a·x + b·y, elementwise. */
  void combine(double a, Matrix x, double b, Matrix y, Matrix out);

  /** y ← x·scale + shift per column; scale and shift [1,width]. */
  void scaleShiftColumns(Matrix x, Matrix scale, Matrix shift, Matrix y);

  /** y ← x·scale per column; scale [1,width]. */
  void scaleColumns(Matrix x, Matrix scale, Matrix y);

  /**
   * sums[c] += factor·Σ_r x[r,c] over columns {@code from} to {@code to} (exclusive); sums
   * [1,width].
   */
  void addColumnSums(double factor, Matrix x, Matrix sums, int from, int to);

  /**
   * y[r,c] ← x[r,source[c]].
   *
   * @param x read, [rows,*]
   * @param source [width], columns of x
   * @param y overwritten, [rows,width]
   */
  void gatherColumns(Matrix x, int[] source, Matrix y);

  /**
   * y[r,target[c]] ← x[r,c].
   *
   * @param x read, [rows,width]
   * @param target [width], different columns of y
   * @param y those columns overwritten, [rows,*]
   */
  void scatterColumns(Matrix x, int[] target, Matrix y);

  /**
   * Copies {@code count} columns of every row, from column {@code from} of x to column {@code to}
   * of y.
   *
   * @param x read, [rows,*]
   * @param y those columns overwritten, [rows,*] of the same precision
   */
  default void copyColumns(Matrix x, int from, Matrix y, int to, int count) {
    for (int r = 0; r < x.rows(); r++) {
      System.arraycopy(
          x.array(),
          x.offset() + r * x.stride() + from,
          y.array(),
          y.offset() + r * y.stride() + to,
          count);
    }
  }

  /**
   * Fills every row of y with copies of the row of x, one beside the other.
   *
   * @param x read, [rows,*]
   * @param y overwritten, [rows,*] of the same precision, as wide as some copies of x
   */
  default void repeatColumns(Matrix x, Matrix y) {
    for (int to = 0; to < y.columns(); to += x.columns()) {
      copyColumns(x, 0, y, to, x.columns());
    }
  }

  /** out ← x∘y, elementwise. */
  void product(Matrix x, Matrix y, Matrix out);

  /** dots[r] += factor·Σ_c x[r,c]·y[r,c], products and sums in float64. */
  void addRowDots(double factor, Matrix x, Matrix y, Matrix dots);

  /** y[r,·] ← factor·c[r]·x[r,·]. */
  void scaleRows(double factor, Matrix c, Matrix x, Matrix y);

  /** y[r,·] += factor·c[r]·x[r,·]. */
  void addScaledRows(double factor, Matrix c, Matrix x, Matrix y);

  /**
   * w[r,·] ← (g[r]/‖v[r,·]‖)·v[r,·], norms in float64; g [1,rows] of the matrices' precision. No
   * row of v may be zero: its w is NaN. The stride of v, a weight, may exceed its width.
   */
  void normaliseRows(Matrix v, Matrix g, Matrix w);

  /**
   * Pulls the cotangent of rows {@code from} and following of w in {@link #normaliseRows} back:
   * with d = wBar[r,·]·v[r,·]/‖v[r,·]‖ in float64, vBar[r,·] += (g[r]/‖v[r,·]‖)·(wBar[r,·] -
   * (d/‖v[r,·]‖)·v[r,·]) and gBar[r] += d.
   *
   * @param v read, [rows,width]; its stride may exceed its width
   * @param g read, [1,rows]
   * @param wBar read, [count,width]: the cotangents of {@code count} rows from {@code from} on
   * @param vBar those rows accumulated into, [rows,width]; its stride may exceed its width
   * @param gBar those columns accumulated into, [1,rows]
   */
  void pullBackNormalisedRows(Matrix v, Matrix g, Matrix wBar, Matrix vBar, Matrix gBar, int from);

  /**
   * w ← P·L·U of a weight that is kept as factors [n,n]: row permutation[i] of w is row i of L·U. L
   * is the factors below the diagonal, with ones on it. U is those above it, with signs[i]·e^s_i
   * for the s_i on it.
   *
   * @param factors read, [n,n]; the stride may exceed n
   * @param permutation read, [1,n], every number from 0 to n-1 once
   * @param signs read, [1,n], 1 or -1
   * @param w overwritten, [n,n], contiguous
   */
  void multiplyLu(Matrix factors, Matrix permutation, Matrix signs, Matrix w);

  /**
   * Pulls the cotangent of w in {@link #multiplyLu} back to rows {@code from} to {@code to}
   * (exclusive) of the factors.
   *
   * @param wBar read, [n,n], contiguous
   * @param factorsBar those rows accumulated into, [n,n]; the stride may exceed n
   */
  void pullBackLu(
      Matrix factors,
      Matrix permutation,
      Matrix signs,
      Matrix wBar,
      Matrix factorsBar,
      int from,
      int to);

  /**
   * Solves w x = y for each row y, with w of {@link #multiplyLu}.
   *
   * @param y read, [rows,n]
   * @param x overwritten with the solutions, [rows,n]; not y
   */
  void solveLu(Matrix factors, Matrix permutation, Matrix signs, Matrix y, Matrix x);

  /**
   * Solves w x = r for each row r by substitution, sums in float64. A zero on the diagonal gives
   * infinities or NaN.
   *
   * @param upper whether w is upper triangular, else lower
   * @param w read, [n,n], of which the other triangle is not looked at; its stride may exceed its
   *     width
   * @param rows overwritten with the solutions, [*,n]
   */
  void solveTriangularRows(boolean upper, Matrix w, Matrix rows);

  /**
   * sum += factor·a, or factor·aᵀ when transposed. The strides, those of weights, may exceed the
   * widths.
   *
   * @param a read, [m,n], or [n,m] when transposed
   * @param sum accumulated into, [m,n]
   */
  void addMatrix(boolean transpose, double factor, Matrix a, Matrix sum);
}
