package org.ebflow.training.scoring;

import java.util.Arrays;

/**
 * Area under the receiver operating characteristic: the probability that a positive has a higher
 * value than a negative, a tie counted as half (Mann and Whitney 1947).
 */
public final class Auroc {
  private Auroc() {}

  /**
   * The area, from 0 to 1. Infinite values are ordinary values.
   *
   * @param negatives at least one, not modified
   * @param positives at least one, not modified
   * @throws IllegalArgumentException if one of them is empty or holds NaN
   */
  public static double of(double[] negatives, double[] positives) {
    double[] sorted = sorted(negatives);
    double[] others = sorted(positives);
    double pairs = 0; // in which the positive is higher
    int below = 0;
    int upTo = 0;
    for (double positive : others) {
      while (below < sorted.length && sorted[below] < positive) {
        below++;
      }
      while (upTo < sorted.length && sorted[upTo] <= positive) {
        upTo++;
      }
      pairs += 0.5 * ((double) below + upTo);
    }
    return pairs / ((double) sorted.length * others.length);
  }

  private static double[] sorted(double[] values) {
    if (values.length == 0 || Arrays.stream(values).anyMatch(Double::isNaN)) {
      throw new IllegalArgumentException(
          "Auroc.of: expected values without NaN, found "
              + (values.length == 0 ? "none" : "NaN among " + values.length));
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted;
  }
}
