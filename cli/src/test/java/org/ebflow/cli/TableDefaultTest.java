package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TableDefaultTest {
  /** 50 million weights, in two layers at least. */
  @ParameterizedTest
  @CsvSource({"257, 757", "2041, 12", "2042, 11", "4082, 3", "4083, 2", "5000, 2", "50000, 2"})
  void wideTablesHaveFewerLayers(int columns, int layers) {
    assertThat(TableDefault.mostLayers(columns)).isEqualTo(layers);
  }
}
