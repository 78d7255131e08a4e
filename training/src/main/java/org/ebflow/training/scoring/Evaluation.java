package org.ebflow.training.scoring;

import java.util.Locale;
import java.util.function.IntFunction;
import org.ebflow.flow.io.OneLine;
import org.jspecify.annotations.Nullable;

/**
 * Exact likelihood of a data set.
 *
 * <p>Rows of density zero ({@link Scores}) are counted and left out of the means.
 *
 * @param nll mean of -log p(x) in nats over the rows of density above zero; +Infinity if there is
 *     none
 * @param standardError of that mean; NaN if there is no such row
 * @param bitsPerDimension nll/(D log 2)
 * @param logZ log Z of the model in nats
 * @param rows number of rows, those of density zero included
 * @param impossible number of rows of density zero
 * @param firstImpossible the first of them; null if there is none
 */
public record Evaluation(
    double nll,
    double standardError,
    double bitsPerDimension,
    double logZ,
    long rows,
    long impossible,
    @Nullable ImpossibleRow firstImpossible) {
  /**
   * A row of density zero.
   *
   * @param number of the row in the data set it was read from, from 1
   * @param column name of the column farthest out after preprocessing, or its number from 1
   * @param value in that column
   */
  public record ImpossibleRow(long number, String column, double value) {
    @Override
    public String toString() {
      boolean whole = value == Math.rint(value) && Math.abs(value) < 1e15;
      return "row "
          + number
          + ", column "
          + OneLine.name(column)
          + " = "
          + (whole ? Long.toString((long) value) : Double.toString(value));
    }
  }

  /**
   * @param name names a row of density zero, given its index in {@code logProb}
   */
  static Evaluation of(
      double[] logProb, int dimension, double logZ, IntFunction<ImpossibleRow> name) {
    int impossible = 0;
    ImpossibleRow first = null;
    double sum = 0;
    for (int r = 0; r < logProb.length; r++) {
      if (Double.isFinite(logProb[r])) {
        sum -= logProb[r];
      } else if (impossible++ == 0) {
        first = name.apply(r);
      }
    }
    int possible = logProb.length - impossible;
    if (possible == 0) {
      return new Evaluation(
          Double.POSITIVE_INFINITY,
          Double.NaN,
          Double.POSITIVE_INFINITY,
          logZ,
          logProb.length,
          impossible,
          first);
    }
    double mean = sum / possible;
    double squares = 0;
    for (double value : logProb) {
      if (Double.isFinite(value)) {
        squares += (-value - mean) * (-value - mean);
      }
    }
    double error = Math.sqrt(squares / Math.max(1, possible - 1) / possible);
    return new Evaluation(
        mean, error, mean / (dimension * Math.log(2)), logZ, logProb.length, impossible, first);
  }

  /** Whether fewer rows have density zero, or as many and the others a lower NLL. */
  public boolean betterThan(long otherImpossible, double otherNll) {
    return impossible == otherImpossible ? nll < otherNll : impossible < otherImpossible;
  }

  /**
   * What the means are over, as {@code 100 rows}, or {@code over 99 of 100 rows; 1 row has density
   * zero: row 17, column weight = 9999}.
   */
  public String countedRows() {
    if (firstImpossible == null) {
      return String.format(Locale.ROOT, "%,d rows", rows);
    }
    return String.format(
        Locale.ROOT,
        "over %,d of %,d rows; %,d %s density zero%s: %s",
        rows - impossible,
        rows,
        impossible,
        impossible == 1 ? "row has" : "rows have",
        impossible == 1 ? "" : ", the first",
        firstImpossible);
  }
}
