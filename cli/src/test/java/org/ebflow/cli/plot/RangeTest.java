package org.ebflow.cli.plot;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RangeTest {
  @Test
  void holdsItsValuesWithAMargin() {
    Range range = Range.of(new double[] {3, -1, 2, Double.NaN, Double.POSITIVE_INFINITY});
    assertThat(range.min()).isLessThan(-1).isGreaterThan(-2);
    assertThat(range.max()).isGreaterThan(3).isLessThan(4);
  }

  @ParameterizedTest
  @CsvSource({"0", "5", "-1e300", "1e-300"})
  void oneValueIsARangeToo(double value) {
    Range range = Range.of(new double[] {value});
    assertThat(range.max()).isGreaterThan(range.min());
    assertThat(range.contains(value)).isTrue();
  }

  @Test
  void farValuesDoNotFlattenTheRest() {
    double[] values = new double[101];
    for (int i = 0; i < 100; i++) {
      values[i] = i;
    }
    values[100] = 1e9;
    assertThat(Range.between(values, 0, .95).max()).isLessThan(120);
  }

  @ParameterizedTest
  @CsvSource(
      value = {
        "0,1,0.2,0.2",
        "-8,8,-5,−5",
        "0,500,100,100",
        "0,2e7,5e6,5e6",
        "0,3e-6,1e-6,1e-6",
        "-1,1,-0.5,−0.5",
        "0.01,0.05,0.02,0.020"
      })
  void labelsHaveTheDigitsTheyNeed(double min, double max, double tick, String label) {
    assertThat(new Range(min, max).label(tick, 6)).isEqualTo(label);
  }

  @Test
  void ticksAreRoundAndInside() {
    assertThat(new Range(-8, 8).ticks(8))
        .containsExactly(-8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0);
    assertThat(new Range(0.13, 0.17).ticks(4))
        .hasSizeBetween(3, 6)
        .allMatch(tick -> tick >= 0.13 && tick <= 0.17);
  }
}
