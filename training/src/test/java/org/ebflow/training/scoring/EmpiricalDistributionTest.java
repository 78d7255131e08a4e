package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmpiricalDistributionTest {
  private static final double TOLERANCE = 1e-3;

  /** {@code tied} equal values and distinct ones below and above, shuffled. */
  private static double[] tied(int below, int tied, int above) {
    double[] values = new double[below + tied + above];
    for (int i = 0; i < values.length; i++) {
      values[i] = i < below ? -20 - 0.01 * i : i < below + tied ? -5 : 1 + 0.01 * i;
    }
    Random random = new Random(3);
    for (int i = values.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      double swapped = values[i];
      values[i] = values[j];
      values[j] = swapped;
    }
    return values;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 1e-4, -1e-4, 9e-4, -9e-4})
  void aTieHasTheShareStrictlyBelowItAsFarAsRoundingReaches(double rounding) {
    double value = -5 + rounding;
    assertThat(EmpiricalDistribution.of(tied(100, 900, 0)).percentile(value, TOLERANCE))
        .isEqualTo(10);
    assertThat(EmpiricalDistribution.of(tied(0, 200, 800)).percentile(value, TOLERANCE)).isZero();
    assertThat(EmpiricalDistribution.of(tied(300, 400, 300)).percentile(value, TOLERANCE))
        .isEqualTo(30);
    assertThat(EmpiricalDistribution.of(tied(0, 1000, 0)).percentile(value, TOLERANCE)).isZero();
    assertThat(EmpiricalDistribution.of(tied(6301, 2, 0)).percentile(value, TOLERANCE))
        .isCloseTo(100.0 * 6301 / 6303, within(0.1));
  }

  @Test
  void beyondRoundingAllTiedRowsAreBelow() {
    EmpiricalDistribution likeliest = EmpiricalDistribution.of(tied(100, 900, 0));
    assertThat(likeliest.percentile(-4.9, TOLERANCE)).isEqualTo(100);
    EmpiricalDistribution middle = EmpiricalDistribution.of(tied(300, 400, 300));
    assertThat(middle.percentile(-4.9, TOLERANCE)).isBetween(69.9, 70.0);
    assertThat(middle.percentile(-5.1, TOLERANCE)).isBetween(29.9, 30.0);
  }

  @Test
  void everyOfSeveralTiesIsExactWhateverItsNeighbours() {
    double[] discrete =
        IntStream.range(0, 10_000).mapToDouble(i -> -1e-4 * (i % 7 * (i % 7))).toArray();
    EmpiricalDistribution distribution = EmpiricalDistribution.of(discrete);
    for (double value : discrete) {
      long below = Arrays.stream(discrete).filter(other -> other < value).count();
      assertThat(distribution.percentile(value, 1)).isEqualTo(100.0 * below / 10_000);
      assertThat(distribution.percentile(value + 4e-5, 1)) // the nearest tie
          .isEqualTo(100.0 * below / 10_000);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 999, 1000, 1001, 1003, 9999, 10_000})
  void distinctValuesHaveTheirRankToAThousandth(int rows) {
    Random random = new Random(rows);
    double[] values = random.doubles(rows, -30, 30).toArray();
    EmpiricalDistribution distribution = EmpiricalDistribution.of(values);
    assertThat(distribution.values().length).isLessThanOrEqualTo(1002);
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    for (int r = 0; r < rows; r++) {
      assertThat(distribution.percentile(sorted[r], TOLERANCE))
          .isCloseTo(100.0 * r / rows, within(rows <= 1000 ? 1e-12 : 0.1 + 1e-12));
    }
    assertThat(distribution.percentile(sorted[rows - 1] + 1, TOLERANCE)).isEqualTo(100);
    assertThat(distribution.percentile(sorted[0] - 1, TOLERANCE)).isZero();
  }

  @Test
  void betweenDistinctValuesItIsLinear() {
    EmpiricalDistribution distribution = EmpiricalDistribution.of(new double[] {0, -10, -5, -4});
    assertThat(distribution.percentile(-10, TOLERANCE)).isZero();
    assertThat(distribution.percentile(-7.5, TOLERANCE)).isEqualTo(12.5);
    assertThat(distribution.percentile(-2, TOLERANCE)).isEqualTo(62.5);
  }

  @Test
  void withoutTrainingRowsThereIsNoPercentile() {
    assertThat(EmpiricalDistribution.unknown().percentile(-1, TOLERANCE)).isNaN();
    assertThat(EmpiricalDistribution.ofQuantiles(new double[0]).percentile(-1, 1)).isNaN();
    assertThat(EmpiricalDistribution.of(new double[] {1, 2}).percentile(Double.NaN, 1)).isNaN();
  }

  @Test
  void trainingRowsOfDensityZeroLieBelowAll() {
    double zero = Double.NEGATIVE_INFINITY;
    EmpiricalDistribution none = EmpiricalDistribution.of(new double[] {zero, zero});
    assertThat(none.percentile(zero, TOLERANCE)).isZero();
    assertThat(none.percentile(-1e9, TOLERANCE)).isEqualTo(100);
  }

  @Test
  void ranksThatAreNoneAreRefused() {
    double[] values = {1, 2};
    assertThatThrownBy(
            () -> new EmpiricalDistribution(2, values, new long[] {0, 1}, new long[] {0}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2 values, 2 first and 1 last ranks");
    assertThatThrownBy(
            () -> new EmpiricalDistribution(2, values, new long[] {0, 0}, new long[] {0, 1}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found 2.0 at ranks 0 to 1 after 1.0 at rank 0");
    assertThatThrownBy(
            () ->
                new EmpiricalDistribution(
                    2, new double[] {2, 1}, new long[] {0, 1}, new long[] {0, 1}))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> new EmpiricalDistribution(0, values, new long[] {0, 1}, new long[] {0, 1}))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
