package org.ebflow.linalg;

/**
 * Monotone splines, one per column: f' is a cubic B-spline with positive coefficients e = exp(θ) on
 * uniform knots, f(0) = 0. Formulas: docs/derivations/spline.md.
 *
 * <p>The parameters of {@link ElementwiseFunction} are a table, contiguous [{@link #tableRows},
 * width], made of θ by {@link #exponentiate} and {@link #tabulate}: f at the near end and four
 * coefficients of f' for each interval, so that the cost of an element does not depend on how many
 * there are. Nothing else is kept.
 *
 * <p>{@link #pullBackParameters} stores the cotangents of f', f'' … of every element, in as many
 * matrices as it is given. The gradient follows once all rows have theirs: {@link #sumCotangents}
 * sums them into the cotangents of a table, {@link #pullBackTable} takes those to e, and {@link
 * #addGradient} to θ. The table's cotangents may be those of some columns only.
 */
public interface MonotoneSplineFunction extends ElementwiseBijection {
  /** Numbers θ of one column. */
  static int coefficients(int intervals) {
    return intervals + 3;
  }

  /** Rows of a table for that number of intervals between the first and the last knot. */
  int tableRows(int intervals);

  /**
   * Coefficients {@code row} and following of a table ← exp(θ).
   *
   * @param theta [count,width], read
   * @param table the other rows are left alone
   */
  void exponentiate(Matrix theta, Matrix table, int row);

  /**
   * Completes a table whose coefficients are there.
   *
   * @param intervals number of intervals K
   * @param range the knots lie at -range + 2·range·j/K, j = 0…K
   * @param table overwritten but for its coefficients
   */
  void tabulate(int intervals, double range, Matrix table);

  /**
   * Overwrites the cotangents of a table's numbers with their sums over rows.
   *
   * @param table read
   * @param x [rows,width], read
   * @param fBar0 cotangents of f, [rows,width], read
   * @param fBars cotangents of f' and following derivatives, up to three [rows,width], read
   * @param from first of the columns that are summed
   * @param tableBar of so many columns, contiguous [{@link #tableRows},columns], overwritten
   */
  void sumCotangents(
      Matrix table, Matrix x, Matrix fBar0, Matrix[] fBars, int from, Matrix tableBar);

  /**
   * Turns the cotangents of a table's numbers into those of its coefficients.
   *
   * @param table read
   * @param tableBar read and overwritten
   */
  void pullBackTable(Matrix table, Matrix tableBar);

  /**
   * thetaBar[r, from + c] += e·eBar for coefficients {@code row} + r.
   *
   * @param table read
   * @param tableBar of columns {@code from} and following, read
   * @param thetaBar [count,width], accumulated into
   */
  void addGradient(Matrix table, Matrix tableBar, int row, int from, Matrix thetaBar);
}
