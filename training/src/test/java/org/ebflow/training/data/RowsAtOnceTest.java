package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.ParquetWriter.Column;
import org.ebflow.training.data.ParquetWriter.Kind;
import org.ebflow.training.data.ParquetWriter.Values;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows that are read many at a time are those that are read one after the other. */
final class RowsAtOnceTest {
  /** More than the blocks of NPY, and the batches and tiles of Parquet, hold. */
  private static final int ROWS = 40_000;

  private static final int COLUMNS = 3;

  @TempDir Path folder;

  /** Some rows are bad, two of them side by side. */
  private static double[][] rows() {
    double[][] rows = new double[ROWS][COLUMNS];
    for (int r = 0; r < ROWS; r++) {
      for (int c = 0; c < COLUMNS; c++) {
        rows[r][c] = COLUMNS * r + c + .5;
      }
      if (r % 997 == 500 || r % 1999 == 0 || r % 1999 == 1) {
        rows[r][r % COLUMNS] = Double.NaN;
      }
    }
    return rows;
  }

  private Path write(String name, double[][] rows) throws IOException {
    Path file = folder.resolve(name);
    if (name.endsWith(".npy")) {
      NpyWriter.write(file, Matrix.ofRows(Precision.FLOAT64, rows));
      return file;
    }
    if (name.endsWith(".csv")) {
      StringBuilder text = new StringBuilder("a,b,c\n\n");
      for (double[] row : rows) {
        text.append(row[0]).append(',').append(row[1]).append(',').append(row[2]).append("\n");
      }
      return Files.writeString(file, text);
    }
    List<Column> columns = new ArrayList<>();
    List<Values> values = new ArrayList<>();
    for (int c = 0; c < COLUMNS; c++) {
      columns.add(new Column("p" + c, Kind.REAL));
      values.add(new Values());
      for (double[] row : rows) {
        values.get(c).add(row[c]);
      }
    }
    try (OutputStream out = Files.newOutputStream(file)) {
      ParquetWriter writer = new ParquetWriter(out, columns);
      writer.begin();
      writer.write(values);
      writer.finish();
    }
    return file;
  }

  @ParameterizedTest
  @ValueSource(strings = {"in.csv", "in.npy", "in.parquet"})
  void goodAndBadRowsComeInTheirOrder(String name) throws IOException {
    double[][] rows = rows();
    Path file = write(name, rows);
    int lineOfFirst = name.endsWith(".csv") ? 3 : 0;
    Random random = new Random(1);
    double[] block = new double[4 + 5000 * COLUMNS];
    int read = 0;
    try (TableReader table = TableReader.open(file)) {
      while (true) {
        int most = 1 + random.nextInt(5000);
        Arrays.fill(block, -1);
        int good = random.nextInt(4) == 0 ? 0 : table.nextGood(block, 2, most);
        assertThat(good).isBetween(0, most);
        for (int i = 0; i < good; i++, read++) {
          assertThat(Arrays.copyOfRange(block, 2 + i * COLUMNS, 2 + (i + 1) * COLUMNS))
              .as("row " + read)
              .containsExactly(rows[read]);
        }
        assertThat(block[1]).isEqualTo(-1);
        assertThat(block[2 + most * COLUMNS]).isEqualTo(-1);
        if (good == 0) {
          if (!table.next()) {
            break;
          }
          assertThat(table.values()).as("row " + read).containsExactly(rows[read]);
          assertThat(table.nonFinite()).isEqualTo(!finite(rows[read]));
          assertThat(table.problem() == null).isEqualTo(finite(rows[read]));
          read++;
        } else {
          assertThat(table.problem()).isNull();
        }
        assertThat(table.row()).isEqualTo(read);
        assertThat(table.line()).isEqualTo(lineOfFirst == 0 ? 0 : lineOfFirst + read - 1);
        if (good > 1) {
          assertThat(table.line(1)).isEqualTo(lineOfFirst == 0 ? 0 : lineOfFirst + read - 2);
        }
      }
    }
    assertThat(read).isEqualTo(ROWS);
  }

  private static boolean finite(double[] row) {
    return Arrays.stream(row).allMatch(Double::isFinite);
  }
}
