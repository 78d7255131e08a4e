package org.ebflow.training.scoring;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * How well a value ranks positives above negatives: area under the receiver operating
 * characteristic, and average precision.
 *
 * <p>AUROC is the probability that a positive has a higher value than a negative, a tie counted as
 * half (Mann and Whitney 1947): that of average ranks. Average precision is the area under the
 * precision-recall curve in steps, Σ (R_n - R_(n-1))·P_n over the distinct values from above, as
 * scikit-learn has it. Without any skill AUROC is ½ and average precision the positives' share.
 *
 * <p>Threading: immutable.
 */
public final class RankingMetrics {
  /** Place of each negative's value among the distinct values, ascending. */
  private final int[] negatives;

  /** The same of the positives. */
  private final int[] positives;

  private final int places;

  private RankingMetrics(int[] negatives, int[] positives, int places) {
    this.negatives = negatives;
    this.positives = positives;
    this.places = places;
  }

  /**
   * Of such values; infinite ones are ordinary values.
   *
   * @param negatives at least one, not modified
   * @param positives at least one, not modified
   * @throws IllegalArgumentException if one of them is empty or holds NaN
   */
  public static RankingMetrics of(double[] negatives, double[] positives) {
    requireValues(negatives);
    requireValues(positives);
    double[] distinct =
        DoubleStream.concat(Arrays.stream(negatives), Arrays.stream(positives))
            .map(RankingMetrics::oneZero)
            .sorted()
            .distinct()
            .toArray();
    return new RankingMetrics(
        places(negatives, distinct), places(positives, distinct), distinct.length);
  }

  private static void requireValues(double[] values) {
    if (values.length == 0 || Arrays.stream(values).anyMatch(Double::isNaN)) {
      throw new IllegalArgumentException(
          "RankingMetrics.of: expected values without NaN, found "
              + (values.length == 0 ? "none" : "NaN among " + values.length));
    }
  }

  private static int[] places(double[] values, double[] distinct) {
    return Arrays.stream(values)
        .mapToInt(value -> Arrays.binarySearch(distinct, oneZero(value)))
        .toArray();
  }

  /** Both zeros are one value. */
  private static double oneZero(double value) {
    return value + 0.0;
  }

  /** Area under the receiver operating characteristic, from 0 to 1. */
  public double auroc() {
    return auroc(counts(negatives), counts(positives));
  }

  /** Average precision, from 0 to 1. */
  public double averagePrecision() {
    return averagePrecision(counts(negatives), counts(positives));
  }

  /** Share of the positives: the average precision of a value that tells nothing. */
  public double prevalence() {
    return (double) positives.length / (negatives.length + positives.length);
  }

  /** Between which bounds a figure lies. */
  public record Interval(double low, double high) {}

  /** Intervals of both figures. */
  public record Intervals(Interval auroc, Interval averagePrecision) {}

  /**
   * Percentile bootstrap intervals (Efron 1979): negatives and positives are drawn anew with
   * replacement, each as many as there are, and both figures computed again.
   *
   * @param resamples how often, at least 2
   * @param level share of the resamples' figures inside the interval, as .95
   * @param seed of the draws
   */
  public Intervals bootstrap(int resamples, double level, long seed) {
    double[] areas = new double[resamples];
    double[] precisions = new double[resamples];
    IntStream.range(0, resamples)
        .parallel()
        .forEach(
            i -> {
              SplittableRandom random = new SplittableRandom(seed + i);
              int[] below = drawn(negatives, random);
              int[] above = drawn(positives, random);
              areas[i] = auroc(below, above);
              precisions[i] = averagePrecision(below, above);
            });
    return new Intervals(interval(areas, level), interval(precisions, level));
  }

  private static Interval interval(double[] figures, double level) {
    Arrays.sort(figures);
    return new Interval(quantile(figures, (1 - level) / 2), quantile(figures, (1 + level) / 2));
  }

  /** Linear between the two nearest of the sorted values. */
  private static double quantile(double[] sorted, double share) {
    double place = share * (sorted.length - 1);
    int below = Math.min((int) place, sorted.length - 2);
    return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
  }

  private int[] counts(int[] placesOfRows) {
    int[] counts = new int[places];
    for (int place : placesOfRows) {
      counts[place]++;
    }
    return counts;
  }

  private int[] drawn(int[] placesOfRows, SplittableRandom random) {
    int[] counts = new int[places];
    for (int i = 0; i < placesOfRows.length; i++) {
      counts[placesOfRows[random.nextInt(placesOfRows.length)]]++;
    }
    return counts;
  }

  /**
   * @param below negatives by place
   * @param above positives by place
   */
  private double auroc(int[] below, int[] above) {
    double pairs = 0; // in which the positive is higher
    double lower = 0;
    for (int place = 0; place < places; place++) {
      pairs += above[place] * (lower + 0.5 * below[place]);
      lower += below[place];
    }
    return pairs / ((double) negatives.length * positives.length);
  }

  private double averagePrecision(int[] below, int[] above) {
    double sum = 0;
    double found = 0;
    double all = 0;
    for (int place = places - 1; place >= 0; place--) {
      found += above[place];
      all += (double) above[place] + below[place];
      sum += above[place] == 0 ? 0 : above[place] * (found / all);
    }
    return sum / positives.length;
  }
}
