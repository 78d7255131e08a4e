package org.ebflow.training.scoring;

import java.util.Arrays;

/**
 * The empirical distribution of the training rows' log p: how many of them lie below a value.
 *
 * <p>Rows are ranked from 0 by ascending log p, those of density zero first. About a thousand
 * values are kept with the ranks of the rows that have them. Every value that a thousandth of the
 * rows or more have in common is among them.
 *
 * @param rows number of training rows; 0 when they were not scored
 * @param values log p in nats, finite, ascending and distinct
 * @param first rank of the first row with each value: so many rows lie strictly below
 * @param last rank of the last row with each value
 */
public record EmpiricalDistribution(long rows, double[] values, long[] first, long[] last) {
  /** Into how many equal shares the rows are divided; a value is kept where a share begins. */
  private static final int CELLS = 1000;

  private static final EmpiricalDistribution UNKNOWN =
      new EmpiricalDistribution(0, new double[0], new long[0], new long[0]);

  /** Refuses ranks and values out of order. */
  public EmpiricalDistribution {
    if (values == null || first == null || last == null) { // as a file may have it
      throw new IllegalArgumentException("quantiles lack values, first or last");
    }
    if (values.length != first.length || values.length != last.length) {
      throw new IllegalArgumentException(
          "quantiles have "
              + values.length
              + " values, "
              + first.length
              + " first and "
              + last.length
              + " last ranks, expected as many of each");
    }
    double before = Double.NEGATIVE_INFINITY;
    long rank = -1;
    for (int i = 0; i < values.length; i++) {
      if (!(values[i] > before && values[i] < Double.POSITIVE_INFINITY)
          || first[i] <= rank
          || last[i] < first[i]
          || last[i] > rows) {
        throw new IllegalArgumentException(
            "quantiles: expected ascending values and ranks up to "
                + rows
                + ", found "
                + values[i]
                + " at ranks "
                + first[i]
                + " to "
                + last[i]
                + " after "
                + before
                + " at rank "
                + rank);
      }
      before = values[i];
      rank = last[i];
    }
  }

  /** The distribution of a model whose training rows were not scored. */
  public static EmpiricalDistribution unknown() {
    return UNKNOWN;
  }

  /**
   * The distribution of rows with these log p in nats, in any order; -Infinity for density zero.
   */
  public static EmpiricalDistribution of(double[] logProb) {
    double[] sorted = logProb.clone();
    Arrays.sort(sorted);
    return ofRanks(sorted, sorted.length);
  }

  /**
   * The distribution with log p, ascending, at evenly spaced probabilities 0…1: the form in earlier
   * models' files.
   */
  static EmpiricalDistribution ofQuantiles(double[] quantiles) {
    return quantiles.length < 2 ? UNKNOWN : ofRanks(quantiles, quantiles.length - 1);
  }

  /** Keeps the least and the greatest value, and each value at whose ranks another share begins. */
  private static EmpiricalDistribution ofRanks(double[] sorted, int rows) {
    double[] values = new double[sorted.length];
    long[] first = new long[sorted.length];
    long[] last = new long[sorted.length];
    int kept = 0;
    for (int from = 0, to; from < sorted.length; from = to) {
      to = from + 1;
      while (to < sorted.length && sorted[to] == sorted[from]) {
        to++;
      }
      boolean ends = kept == 0 || to == sorted.length;
      if (Double.isFinite(sorted[from]) && (ends || cell(to - 1, rows) > cell(from - 1, rows))) {
        values[kept] = sorted[from];
        first[kept] = from;
        last[kept] = to - 1L;
        kept++;
      }
    }
    return new EmpiricalDistribution(
        rows, Arrays.copyOf(values, kept), Arrays.copyOf(first, kept), Arrays.copyOf(last, kept));
  }

  private static long cell(int rank, int rows) {
    return Math.floorDiv((long) CELLS * rank, (long) rows);
  }

  /**
   * Share of the training rows, in per cent, whose log p is strictly below, linear between the
   * values that are kept.
   *
   * <p>A value within {@code tolerance} of one that several rows have counts as equal to it. Of
   * several such values the nearest counts.
   *
   * @param logProb in nats; NaN has no percentile
   * @param tolerance in nats, what rounding may do to a log p
   */
  double percentile(double logProb, double tolerance) {
    return percentile(logProb, tolerance, Arrays.binarySearch(values, logProb));
  }

  /**
   * As the other.
   *
   * @param found what {@link Arrays#binarySearch(double[], double)} tells of log p among the values
   */
  double percentile(double logProb, double tolerance, int found) {
    if (rows == 0 || Double.isNaN(logProb)) {
      return Double.NaN;
    }
    if (logProb == Double.NEGATIVE_INFINITY) {
      return 0;
    }
    int at = found;
    int above = at >= 0 ? at : -at - 1;
    if (at < 0) {
      at = nearestTie(logProb, tolerance, above);
    }
    if (at >= 0) {
      return 100.0 * first[at] / rows;
    }
    if (above == values.length) {
      return 100;
    }
    if (above == 0) {
      return 100.0 * first[0] / rows;
    }
    double share = (logProb - values[above - 1]) / (values[above] - values[above - 1]);
    return 100.0 * (last[above - 1] + share * (first[above] - last[above - 1])) / rows;
  }

  /**
   * Index of the nearest value within the tolerance that several rows have, or -1.
   *
   * @param above index of the first value above {@code logProb}
   */
  private int nearestTie(double logProb, double tolerance, int above) {
    int nearest = -1;
    double distance = tolerance;
    for (int i = above - 1; i >= 0 && logProb - values[i] <= distance; i--) {
      if (last[i] > first[i]) {
        nearest = i;
        distance = logProb - values[i];
      }
    }
    for (int i = above; i < values.length && values[i] - logProb <= distance; i++) {
      if (last[i] > first[i]) {
        nearest = i;
        distance = values[i] - logProb;
      }
    }
    return nearest;
  }
}
