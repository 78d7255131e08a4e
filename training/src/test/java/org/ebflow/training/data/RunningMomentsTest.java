package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunningMomentsTest {
  private static RunningMoments of(double[]... rows) {
    RunningMoments moments = new RunningMoments(rows[0].length);
    for (double[] row : rows) {
      moments.add(row);
    }
    return moments;
  }

  /** 1 … n has the mean (n+1)/2 and the variance (n²-1)/12, times a² under x → a·x + b. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 10, 1001})
  void momentsAreThoseOfTheClosedForm(int n) {
    RunningMoments moments = new RunningMoments(2);
    for (int i = 1; i <= n; i++) {
      moments.add(new double[] {i, 7 - 3.0 * i});
    }
    double mean = (n + 1) / 2.0;
    double variance = ((double) n * n - 1) / 12;
    assertThat(moments.rows()).isEqualTo(n);
    assertThat(moments.means()).containsExactly(new double[] {mean, 7 - 3 * mean}, within(1e-9));
    assertThat(moments.populationDeviations())
        .containsExactly(
            new double[] {Math.sqrt(variance), 3 * Math.sqrt(variance)}, within(1e-11 * n));
    double unbiased = Math.sqrt(variance * n / (n - 1));
    assertThat(moments.sampleDeviations())
        .containsExactly(new double[] {unbiased, 3 * unbiased}, within(1e-11 * n));
  }

  /** Σx² - (Σx)²/n would have no right digit here. */
  @ParameterizedTest
  @ValueSource(doubles = {1e9, -1e12})
  void aLargeOffsetCancelsNoDigits(double offset) {
    RunningMoments moments =
        of(
            new double[] {offset + 4},
            new double[] {offset + 7},
            new double[] {offset + 13},
            new double[] {offset + 16});
    assertThat(moments.means()).containsExactly(offset + 10);
    assertThat(moments.sampleDeviations()[0]).isCloseTo(Math.sqrt(30), within(1e-3));
  }

  @Test
  void theOrderOfTheRowsDoesNotMatterButForRounding() {
    double[][] rows = new double[500][1];
    double[][] reversed = new double[500][];
    Random random = new Random(5);
    for (int r = 0; r < rows.length; r++) {
      rows[r][0] = Math.scalb(random.nextGaussian(), random.nextInt(10)); // over three decades
      reversed[rows.length - 1 - r] = rows[r];
    }
    RunningMoments forward = of(rows);
    RunningMoments backward = of(reversed);
    assertThat(backward.means()[0]).isCloseTo(forward.means()[0], within(1e-11));
    assertThat(backward.sampleDeviations()[0])
        .isCloseTo(forward.sampleDeviations()[0], within(1e-11));
  }

  @Test
  void oneRowIsItsMeanWithoutDeviation() {
    RunningMoments one = of(new double[] {3, -1e300});
    assertThat(one.means()).containsExactly(3, -1e300);
    assertThat(one.sampleDeviations()).containsExactly(0, 0);
    assertThat(one.populationDeviations()).containsExactly(0, 0);
  }

  @Test
  void noRowsHaveMeanZeroWithoutDeviation() {
    RunningMoments none = new RunningMoments(2);
    assertThat(none.rows()).isZero();
    assertThat(none.means()).containsExactly(0, 0);
    assertThat(none.sampleDeviations()).containsExactly(0, 0);
    assertThat(none.populationDeviations()).containsExactly(0, 0);
  }

  @Test
  void equalRowsHaveNoDeviation() {
    RunningMoments equal = of(new double[] {.1}, new double[] {.1}, new double[] {.1});
    assertThat(equal.means()).containsExactly(.1);
    assertThat(equal.populationDeviations()).containsExactly(0);
  }

  @Test
  void aNaNSpoilsItsOwnColumnAndNoOther() {
    RunningMoments moments =
        of(new double[] {1, 1}, new double[] {Double.NaN, 3}, new double[] {2, 5});
    assertThat(moments.rows()).isEqualTo(3);
    assertThat(moments.means()).containsExactly(Double.NaN, 3);
    assertThat(moments.sampleDeviations()).containsExactly(Double.NaN, 2);
  }

  @Test
  void momentsOfADataSetAreThoseOfItsRows() {
    double[][] rows = {{1, 10}, {2, 30}, {6, -40}};
    RunningMoments expected = of(rows);
    RunningMoments found = RunningMoments.of(Dataset.of(rows));
    assertThat(found.rows()).isEqualTo(3);
    assertThat(found.means()).isEqualTo(expected.means());
    assertThat(found.sampleDeviations()).isEqualTo(expected.sampleDeviations());
  }

  @Test
  void whatIsReturnedIsACopy() {
    RunningMoments moments = of(new double[] {1}, new double[] {3});
    moments.means()[0] = 99;
    assertThat(moments.means()).containsExactly(2);
    moments.add(new double[] {5});
    assertThat(moments.means()).containsExactly(3);
    assertThat(moments.populationDeviations()[0]).isCloseTo(Math.sqrt(8.0 / 3), within(1e-15));
  }
}
