package org.ebflow.training.scoring;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Finds log p among the values of an {@link EmpiricalDistribution} by evenly spaced cells, each of
 * which knows the values inside it: few steps instead of a search among a thousand.
 *
 * <p>Threading: immutable.
 */
final class PercentileLookup {
  /** So many that most cells have no value inside: the branch that looks for one is foreseen. */
  private static final int CELLS = 1 << 14;

  /** Values of a cell that are gone through one by one. */
  private static final int MOST_STEPS = 8;

  /** Numbers kept of an interval between neighbouring values. */
  private static final int STRIDE = 4;

  private final EmpiricalDistribution distribution;

  /** Whether several rows have a value in common. */
  private final boolean ties;

  private final double rows;
  private final double least;
  private final double cellsPerNat;

  /** Index of the first value in each cell or behind it. */
  private final int[] first = new int[CELLS + 1];

  /** The values, and +Infinity. */
  private final double[] bounds;

  /**
   * Of the interval below each value but the first: where it begins, its width, the rank of the
   * last row at its beginning, and how many ranks it has.
   */
  private final double[] intervals;

  PercentileLookup(EmpiricalDistribution distribution) {
    this.distribution = distribution;
    double[] values = distribution.values();
    ties =
        IntStream.range(0, values.length)
            .anyMatch(i -> distribution.last()[i] > distribution.first()[i]);
    rows = distribution.rows();
    least = values.length == 0 ? 0 : values[0];
    double range = values.length == 0 ? 0 : values[values.length - 1] - least;
    cellsPerNat = range > 0 && CELLS / range < Double.POSITIVE_INFINITY ? CELLS / range : 0;
    bounds = Arrays.copyOf(values, values.length + 1);
    bounds[values.length] = Double.POSITIVE_INFINITY;
    intervals = new double[STRIDE * values.length];
    for (int i = 1; i < values.length; i++) {
      long last = distribution.last()[i - 1];
      intervals[STRIDE * i] = values[i - 1];
      intervals[STRIDE * i + 1] = values[i] - values[i - 1];
      intervals[STRIDE * i + 2] = last;
      intervals[STRIDE * i + 3] = distribution.first()[i] - last;
    }
    int at = 0;
    for (int cell = 0; cell <= CELLS; cell++) {
      while (at < values.length && cell(values[at]) < cell) {
        at++;
      }
      first[cell] = at;
    }
  }

  /** Never falls where its argument rises. */
  private int cell(double logProb) {
    return Math.clamp((int) ((logProb - least) * cellsPerNat), 0, CELLS - 1);
  }

  /** As {@link EmpiricalDistribution#percentile(double, double)}. */
  double percentile(double logProb, double tolerance) {
    if (ties || rows == 0 || !(logProb > Double.NEGATIVE_INFINITY)) {
      return distribution.percentile(logProb, ties ? tolerance : -1, found(logProb));
    }
    int above = notBelow(logProb);
    if (above == 0 || above == bounds.length - 1) {
      return distribution.percentile(logProb, -1, -above - 1);
    }
    int at = STRIDE * above;
    double share = (logProb - intervals[at]) / intervals[at + 1]; // 1 at a value: its own rank
    return 100.0 * (intervals[at + 2] + share * intervals[at + 3]) / rows;
  }

  /** As {@link Arrays#binarySearch(double[], double)} of the values. */
  private int found(double logProb) {
    int at = notBelow(logProb);
    return at < bounds.length - 1 && bounds[at] == logProb ? at : -at - 1;
  }

  /** Index of the first bound that is not below. */
  private int notBelow(double logProb) {
    int cell = cell(logProb);
    int at = first[cell];
    int end = first[cell + 1];
    if (end - at > MOST_STEPS) {
      int found = Arrays.binarySearch(bounds, at, end, logProb);
      return found < 0 ? -found - 1 : found;
    }
    while (bounds[at] < logProb) {
      at++;
    }
    return at;
  }
}
