package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LikelihoodTextTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0.0000",
    "-1.23456, -1.2346",
    "0.00001, 0.0000",
    "999999.9, 999999.9000",
    "-999999.9, -999999.9000",
    "1e6, 1.0000e+06",
    "-1234567.8, -1.2346e+06",
    "1.5e50, 1.5000e+50",
    "1.7976931348623157e308, 1.7977e+308",
    "Infinity, Infinity",
    "-Infinity, -Infinity",
    "NaN, NaN"
  })
  void hasFourDecimalsAndNeverManyDigits(double value, String text) {
    assertThat(LikelihoodText.of(value)).isEqualTo(text);
  }
}
