package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class MappedRowsTest {
  private static final int ROWS = 5;
  private static final int COLUMNS = 3;

  /** Below this, tables of these tests are mapped. */
  private static final long ALWAYS = 0;

  @TempDir Path folder;

  private static double value(int row, int column) {
    return 10 * row + column;
  }

  /** A table of {@link #value}, but with {@code odd} in row 2, column 1. */
  private Path npy(String descr, double odd) throws IOException {
    ByteOrder order = descr.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    String header =
        "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }"
            .formatted(descr, ROWS, COLUMNS);
    header += " ".repeat(117 - header.length()) + "\n";
    int size = descr.charAt(2) - '0';
    ByteBuffer bytes = ByteBuffer.allocate(128 + ROWS * COLUMNS * size).order(order);
    bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0});
    bytes.put(header.getBytes(StandardCharsets.ISO_8859_1));
    for (int r = 0; r < ROWS; r++) {
      for (int c = 0; c < COLUMNS; c++) {
        double value = r == 2 && c == 1 ? odd : value(r, c);
        switch (size) {
          case 1 -> bytes.put((byte) value);
          case 4 -> bytes.putFloat((float) value);
          default -> bytes.putDouble(value);
        }
      }
    }
    return Files.write(folder.resolve("table.npy"), bytes.array());
  }

  @ParameterizedTest
  @CsvSource({"|u1", "<f4", ">f4", "<f8", ">f8"})
  void rowsAreThoseThatAreReadIntoMemory(String descr) throws IOException {
    Path file = npy(descr, 200);

    Dataset mapped = InMemoryTable.read(file, TableOptions.DEFAULT, ALWAYS).dataset();
    Dataset held = InMemoryTable.read(file, TableOptions.DEFAULT, Long.MAX_VALUE).dataset();

    assertThat(mapped.heapBytes()).isZero();
    assertThat(held.heapBytes()).isEqualTo(ROWS * COLUMNS * 8);
    assertThat(mapped.size()).isEqualTo(ROWS);
    assertThat(mapped.sha256()).isEqualTo(held.sha256());
    for (int r = 0; r < ROWS; r++) {
      assertThat(mapped.row(r))
          .containsExactly(value(r, 0), r == 2 ? 200 : value(r, 1), value(r, 2));
      assertThat(held.row(r)).containsExactly(mapped.row(r));
      assertThat(mapped.number(r)).isEqualTo(held.number(r));
    }
    assertThat(mapped.select(1, 4).row(1)).containsExactly(held.row(2));
  }

  @Test
  void rowsThatAreNotFiniteAreRefusedOrLeftOut() throws IOException {
    Path file = npy("<f4", Double.NaN);

    assertThatThrownBy(() -> InMemoryTable.read(file, TableOptions.DEFAULT, ALWAYS))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": row 3: column 2 is NaN");
    InMemoryTable table =
        InMemoryTable.read(file, TableOptions.DEFAULT.withDropNonFinite(true), ALWAYS);
    assertThat(table.droppedRows()).isEqualTo(1);
    assertThat(table.dataset().size()).isEqualTo(4);
    assertThat(table.dataset().row(2)).containsExactly(30, 31, 32);
    assertThat(table.dataset().number(2)).isEqualTo(4);
  }

  @Test
  void modelsColumnsAreFoundByTheirPlaces() throws IOException {
    Path file = npy("<f8", 200);
    ModelColumns model =
        new ModelColumns(
            2, java.util.List.of(), new ColumnPlaces(COLUMNS, java.util.List.of(2, 0)));

    Dataset rows = InMemoryTable.read(file, TableOptions.DEFAULT.forModel(model), ALWAYS).dataset();

    assertThat(rows.heapBytes()).isZero();
    assertThat(rows.row(3)).containsExactly(32, 30);
  }

  @Test
  void placesBeyondTwoGibibytesAreReached() throws IOException {
    Path file = folder.resolve("sparse.npy");
    long width = 1 << 20;
    int rows = 2_100;
    try (java.nio.channels.FileChannel channel =
        java.nio.channels.FileChannel.open(
            file,
            java.nio.file.StandardOpenOption.CREATE_NEW,
            java.nio.file.StandardOpenOption.READ,
            java.nio.file.StandardOpenOption.SPARSE,
            java.nio.file.StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {7}), rows * width - 1);
      MemorySegment all =
          channel.map(
              java.nio.channels.FileChannel.MapMode.READ_ONLY, 0, rows * width, Arena.ofAuto());
      MappedRows mapped =
          new MappedRows(all, NpyType.UINT8, ByteOrder.LITTLE_ENDIAN, rows, (int) width, null);
      float[] row = new float[(int) width];
      mapped.copy(rows - 1, row, 0);
      assertThat(row[row.length - 1]).isEqualTo(7);
      assertThat(row[0]).isZero();
    }
  }
}
