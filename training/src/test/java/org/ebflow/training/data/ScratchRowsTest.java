package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables that are more than memory holds. */
final class ScratchRowsTest {
  private static final int ROWS = 700;
  private static final int COLUMNS = 5;

  /** Rows that are held before the others go to a file. */
  private static final long MOST = 100 * COLUMNS * 8;

  @TempDir Path folder;

  /** Multiples of 1/8, exact as float32; with {@code odd} a double that is not, in a late row. */
  private static double[][] values(boolean odd) {
    Random random = new Random(3);
    double[][] rows = new double[ROWS][COLUMNS];
    for (double[] row : rows) {
      for (int c = 0; c < COLUMNS; c++) {
        row[c] = random.nextInt(-1000, 1000) / 8.0;
      }
    }
    if (odd) {
      rows[650][3] = 0.1;
    }
    return rows;
  }

  private Path csv(String name, double[][] rows, int from, int to) throws IOException {
    List<String> lines = new ArrayList<>(List.of("a,b,c,d,e"));
    for (int r = from; r < to; r++) {
      lines.add(String.join(",", Stream.of(box(rows[r])).map(Object::toString).toList()));
    }
    return Files.write(folder.resolve(name), lines);
  }

  private static Double[] box(double[] row) {
    return java.util.Arrays.stream(row).boxed().toArray(Double[]::new);
  }

  private Path compressedNpy(double[][] rows) throws IOException {
    Path file = folder.resolve("rows.npy.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      NpyWriter.write(out, Matrix.ofRows(Precision.FLOAT64, rows));
    }
    return file;
  }

  private InputFiles input(String format, double[][] rows) throws IOException {
    return switch (format) {
      case "csv" -> InputFiles.of(csv("rows.csv", rows, 0, ROWS));
      case "npy.gz" -> InputFiles.of(compressedNpy(rows));
      default -> {
        csv("part1.csv", rows, 0, 300);
        csv("part2.csv", rows, 300, ROWS);
        yield InputFiles.of(folder.resolve("part*.csv"));
      }
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"csv", "npy.gz", "several"})
  void rowsAreThoseThatMemoryHolds(String format) throws IOException {
    for (boolean odd : new boolean[] {false, true}) {
      double[][] rows = values(odd);
      InputFiles input = input(format, rows);

      Dataset held = InMemoryTable.read(input, TableOptions.DEFAULT, Long.MAX_VALUE).dataset();
      Dataset beyond = InMemoryTable.read(input, TableOptions.DEFAULT, MOST).dataset();

      assertThat(held.heapBytes()).isEqualTo(ROWS * COLUMNS * 8L);
      assertThat(beyond.heapBytes()).isZero();
      assertThat(beyond.sha256()).isEqualTo(held.sha256());
      assertThat(beyond.columns()).isEqualTo(held.columns());
      assertSame(beyond, held, rows);
      assertSame(beyond.split(.8, .1, .1).train(), held.split(.8, .1, .1).train(), null);
    }
  }

  private static void assertSame(Dataset beyond, Dataset held, double[][] rows) {
    assertThat(beyond.size()).isEqualTo(held.size());
    float[] floats = new float[COLUMNS];
    Matrix target = Matrix.of(floats, 1, COLUMNS);
    float[] other = new float[COLUMNS];
    for (int r = 0; r < held.size(); r++) {
      assertThat(beyond.row(r)).containsExactly(rows == null ? held.row(r) : rows[r]);
      assertThat(beyond.number(r)).isEqualTo(held.number(r));
      beyond.copyRows(r, r + 1, target, 0);
      held.copyRows(r, r + 1, Matrix.of(other, 1, COLUMNS), 0);
      assertThat(floats).containsExactly(other);
    }
  }

  @Test
  void droppedRowsAreCountedAndColumnsLeftOut() throws IOException {
    double[][] rows = values(true);
    rows[200][1] = Double.NaN;
    Path file = csv("rows.csv", rows, 0, ROWS);
    TableOptions options = TableOptions.DEFAULT.withDropNonFinite(true);

    InMemoryTable table = InMemoryTable.read(file, options, MOST);

    assertThat(table.droppedRows()).isEqualTo(1);
    assertThat(table.dataset().number(198)).isEqualTo(199);
    assertThat(table.dataset().number(200)).isEqualTo(202);
    Dataset left = table.dataset().withoutColumns(new int[] {0, 2});
    assertThat(left.heapBytes()).isZero();
    assertThat(left.columns()).containsExactly("b", "d", "e");
    assertThat(left.row(649)).containsExactly(rows[650][1], 0.1, rows[650][4]);
    assertThat(left.withoutColumns(new int[] {1}).row(649))
        .containsExactly(rows[650][1], rows[650][4]);
  }

  @Test
  void nothingIsLeftInTheFolder() throws IOException {
    try (Stream<Path> before = Files.list(ScratchFile.folder())) {
      List<Path> there = before.toList();
      Dataset beyond =
          InMemoryTable.read(csv("rows.csv", values(true), 0, ROWS), TableOptions.DEFAULT, MOST)
              .dataset();
      try (Stream<Path> after = Files.list(ScratchFile.folder())) {
        assertThat(after).containsExactlyInAnyOrderElementsOf(there);
      }
      assertThat(beyond.row(0)).hasSize(COLUMNS);
    }
  }

  /** More than a buffer of either type, before and behind the value that float32 lacks. */
  @Test
  void manyRowsAreWrittenAnewAsDoubles() throws IOException {
    int rows = 200_000;
    try (ScratchRows scratch = new ScratchRows(2, "rows", -1)) {
      for (int r = 0; r < rows; r++) {
        scratch.add(new double[] {r, r == rows / 2 ? 0.1 : -r}, 0);
      }
      MappedRows built = scratch.build();
      assertThat(built.rows()).isEqualTo(rows);
      double[] row = new double[2];
      for (int r = 0; r < rows; r++) {
        built.copy(r, row, 0);
        if (row[0] != r || row[1] != (r == rows / 2 ? 0.1 : -r)) {
          throw new AssertionError("row " + r + ": found " + row[0] + " and " + row[1]);
        }
      }
    }
  }

  @Test
  void moreThanTheDiskHasLeftIsRefused() {
    assertThatThrownBy(() -> ScratchRows.requireSpace("big.csv", 1L << 50, NpyType.FLOAT64))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageMatching(
            "big\\.csv, which memory can't hold: expected 8388608\\.0 GiB of disk in .*scratch, "
                + "found [0-9.]+ GiB \\(EBFLOW_CACHE names another place\\)");
  }

  /** Rows still to come count, at the first that float32 can't hold. */
  @Test
  void soAreRowsThatAreExpected() throws IOException {
    try (ScratchRows scratch = new ScratchRows(2, "big.csv", 1L << 49)) {
      scratch.add(new double[] {1, 2}, 0);
      assertThatThrownBy(() -> scratch.add(new double[] {1, 0.1}, 0))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("big.csv, which memory can't hold: expected 8388608.0 GiB");
    }
  }
}
