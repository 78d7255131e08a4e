package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RowSampleTest {
  /** At most 20,000 rows of one number: every row, every second, every fourth. */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "20000, 20000, 1",
    "20001, 10001, 2",
    "40000, 20000, 2",
    "40001, 10001, 4",
    "79997, 20000, 4"
  })
  void rowsAreEvenlySpacedFromTheFirst(int rows, int kept, int spacing) {
    RowSample sample = new RowSample(1);
    double[] row = new double[1];
    for (int r = 0; r < rows; r++) {
      row[0] = r;
      sample.add(row);
    }
    Dataset all = Dataset.ofReals("sample", sample.rows());
    assertThat(all.size()).isEqualTo(kept);
    for (int i = 0; i < kept; i++) {
      assertThat(all.row(i)[0]).isEqualTo(i * spacing);
    }
  }
}
