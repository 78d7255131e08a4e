package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class RankingMetricsTest {
  private static final double INFINITY = Double.POSITIVE_INFINITY;

  private static double auroc(double[] negatives, double[] positives) {
    return RankingMetrics.of(negatives, positives).auroc();
  }

  @Test
  void itIsTheShareOfPairsInOrderAndHalfTheTies() {
    assertThat(auroc(new double[] {1, 2, 3}, new double[] {4, 5})).isEqualTo(1);
    assertThat(auroc(new double[] {4, 5}, new double[] {3, 2, 1})).isZero();
    assertThat(auroc(new double[] {1, 1}, new double[] {1})).isEqualTo(.5);
    assertThat(auroc(new double[] {3, 1}, new double[] {2})).isEqualTo(.5);
    // of 6 pairs (2,1) (2,3) (3,1) (3,3) (5,1) (5,3) three and a tie are higher
    assertThat(auroc(new double[] {5, 1, 3}, new double[] {4, 3})).isEqualTo(3.5 / 6);
  }

  @Test
  void infinitiesAndSignedZerosAreOrdinaryValues() {
    assertThat(auroc(new double[] {0, INFINITY}, new double[] {INFINITY, INFINITY})).isEqualTo(.75);
    assertThat(auroc(new double[] {-INFINITY}, new double[] {-1e300})).isEqualTo(1);
    assertThat(auroc(new double[] {-0.0}, new double[] {0.0})).isEqualTo(.5);
    assertThat(auroc(new double[] {0.0}, new double[] {-0.0})).isEqualTo(.5);
  }

  @Test
  void itIsThatOfAllPairs() {
    Random random = new Random(3);
    double[] negatives = DoubleStream.generate(() -> random.nextInt(20)).limit(157).toArray();
    double[] positives = DoubleStream.generate(() -> 3 + random.nextInt(20)).limit(83).toArray();
    double[] unmodified = positives.clone();
    double higher = 0;
    for (double positive : positives) {
      for (double negative : negatives) {
        higher += positive > negative ? 1 : positive == negative ? .5 : 0;
      }
    }
    assertThat(auroc(negatives, positives)).isCloseTo(higher / (157 * 83), within(1e-15));
    assertThat(auroc(positives, negatives)).isCloseTo(1 - higher / (157 * 83), within(1e-15));
    assertThat(positives).isEqualTo(unmodified);
  }

  @Test
  void nothingAndNaNAreRefused() {
    assertThatThrownBy(() -> auroc(new double[0], new double[1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("RankingMetrics.of: expected values without NaN, found none");
    assertThatThrownBy(() -> auroc(new double[1], new double[] {1, Double.NaN}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("RankingMetrics.of: expected values without NaN, found NaN among 2");
  }

  @Test
  void averagePrecisionIsTheStepsUnderPrecisionAndRecall() {
    // 6: precision 1, recall 1/2; 3: precision 2/3, recall 1
    assertThat(averagePrecision(new double[] {1, 2, 5}, new double[] {3, 6}))
        .isCloseTo((1 + 2. / 3) / 2, within(1e-15));
    // 4: 1/2 at recall 1/2; of the tie at 3 all four of 5, 4, 3, 3: 2/4 at recall 1
    assertThat(averagePrecision(new double[] {5, 1, 3}, new double[] {4, 3})).isEqualTo(.5);
    assertThat(averagePrecision(new double[] {1, 2}, new double[] {3, INFINITY})).isEqualTo(1);
    assertThat(averagePrecision(new double[] {7, 7, 7}, new double[] {7})).isEqualTo(.25);
    assertThat(RankingMetrics.of(new double[3], new double[1]).prevalence()).isEqualTo(.25);
  }

  private static double averagePrecision(double[] negatives, double[] positives) {
    return RankingMetrics.of(negatives, positives).averagePrecision();
  }

  @Test
  void bootstrapIntervalsHaveTheWidthOfDeLongsError() {
    Random random = new Random(4);
    double[] negatives = DoubleStream.generate(random::nextGaussian).limit(300).toArray();
    double[] positives =
        DoubleStream.generate(() -> 1 + random.nextGaussian()).limit(200).toArray();
    RankingMetrics metrics = RankingMetrics.of(negatives, positives);
    double error =
        Math.sqrt(
            variance(positives, value -> auroc(negatives, new double[] {value})) / 200
                + variance(negatives, value -> auroc(new double[] {value}, positives)) / 300);
    RankingMetrics.Intervals intervals = metrics.bootstrap(1000, .95, 0);
    double half = (intervals.auroc().high() - intervals.auroc().low()) / 2;
    assertThat(half).isCloseTo(1.96 * error, within(.1 * 1.96 * error));
    assertThat(intervals.auroc().low() + half).isCloseTo(metrics.auroc(), within(.3 * error));
    assertThat(metrics.averagePrecision())
        .isBetween(intervals.averagePrecision().low(), intervals.averagePrecision().high());
    assertThat(metrics.bootstrap(1000, .95, 0)).isEqualTo(intervals);
    assertThat(metrics.bootstrap(1000, .95, 5000)).isNotEqualTo(intervals);
    assertThat(metrics.bootstrap(1000, .5, 0).auroc().low()).isGreaterThan(intervals.auroc().low());
  }

  private static double variance(double[] values, DoubleUnaryOperator of) {
    double[] parts = Arrays.stream(values).map(of).toArray();
    double mean = Arrays.stream(parts).average().orElseThrow();
    return Arrays.stream(parts).map(part -> (part - mean) * (part - mean)).sum()
        / (parts.length - 1);
  }

  @Test
  void resamplesOfSeparatedValuesAreSeparated() {
    RankingMetrics.Intervals intervals =
        RankingMetrics.of(new double[] {1, 2, 3}, new double[] {4, 5}).bootstrap(50, .95, 1);
    assertThat(intervals.auroc()).isEqualTo(new RankingMetrics.Interval(1, 1));
    assertThat(intervals.averagePrecision()).isEqualTo(new RankingMetrics.Interval(1, 1));
  }
}
