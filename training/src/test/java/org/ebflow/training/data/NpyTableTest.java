package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NpyTableTest {
  @TempDir Path folder;

  private static String header(String type, String shape) {
    return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  }

  private static ByteBuffer elements(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private double[][] read(byte[] content) throws IOException {
    Dataset data =
        InMemoryTable.read(TestData.write(folder, "a.npy", content), TableOptions.DEFAULT)
            .dataset();
    return new double[][] {data.row(0), data.row(1)};
  }

  private void refuses(String name, byte[] content, String... parts) throws IOException {
    Path file = TestData.write(folder, name, content);
    assertThatThrownBy(() -> InMemoryTable.read(file, TableOptions.DEFAULT))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n");
  }

  @Test
  void readsBackWhatTheWriterWrote() throws IOException {
    for (Precision precision : Precision.values()) {
      Matrix wide =
          Matrix.ofRows(
              precision, new double[][] {{0, 1, 2.5, 9}, {0, -4, 1e-3, 9}, {0, 0, 1e30, 9}});
      Path file = folder.resolve(precision + ".npy");
      NpyWriter.write(file, wide.columns(1, 3));
      assertThat(Files.size(file) % 64).isEqualTo(6 * precision.bytes() % 64);
      Dataset data = InMemoryTable.read(file, TableOptions.DEFAULT).dataset();
      assertThat(new double[][] {data.row(0), data.row(1), data.row(2)})
          .isDeepEqualTo(wide.columns(1, 3).toRows());
    }
  }

  @Test
  void readsEveryElementType() throws IOException {
    double[][] expected = {{1, 2}, {3, 100}};
    assertThat(read(TestData.npy(header("|u1", "(2, 2)"), new byte[] {1, 2, 3, 100})))
        .isDeepEqualTo(expected);
    assertThat(read(TestData.npy(header("|i1", "(2, 2)"), new byte[] {1, 2, 3, -100})))
        .isDeepEqualTo(new double[][] {{1, 2}, {3, -100}});
    ByteBuffer shorts =
        elements(8)
            .putShort((short) 1)
            .putShort((short) 2)
            .putShort((short) 3)
            .putShort((short) 100);
    assertThat(read(TestData.npy(header("<i2", "(2, 2)"), shorts.array()))).isDeepEqualTo(expected);
    assertThat(
            read(TestData.npy(header("<u2", "(2, 2)"), shorts.putShort(0, (short) -1).array()))[0][
                0])
        .isEqualTo(65535);
    ByteBuffer ints = elements(16).putInt(1).putInt(2).putInt(3).putInt(100);
    assertThat(read(TestData.npy(header("<i4", "(2,2)"), ints.array()))).isDeepEqualTo(expected);
    assertThat(read(TestData.npy(header("<u4", "(2,2)"), ints.putInt(0, -1).array()))[0][0])
        .isEqualTo(4294967295.0);
    ByteBuffer longs = elements(32).putLong(1).putLong(2).putLong(3).putLong(100);
    assertThat(read(TestData.npy(header("<i8", "(2, 2)"), longs.array()))).isDeepEqualTo(expected);
    ByteBuffer floats = elements(16).putFloat(1).putFloat(2).putFloat(3).putFloat(100);
    assertThat(read(TestData.npy(header("<f4", "(2, 2)"), floats.array()))).isDeepEqualTo(expected);
  }

  /** The elements of a 2×3 array, one after the other in either order. */
  private static byte[] content(String type, double[][] rows, boolean fortran) {
    ByteBuffer bytes = ByteBuffer.allocate(6 * Integer.parseInt(type.substring(2)));
    bytes.order(type.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 6; i++) {
      double value = fortran ? rows[i % 2][i / 2] : rows[i / 3][i % 3];
      switch (type.substring(1)) {
        case "b1", "u1", "i1" -> bytes.put((byte) value);
        case "u2", "i2" -> bytes.putShort((short) (int) value);
        case "u4", "i4" -> bytes.putInt((int) (long) value);
        case "u8", "i8" -> bytes.putLong((long) value);
        case "f2" -> bytes.putShort(Float.floatToFloat16((float) value));
        case "f4" -> bytes.putFloat((float) value);
        default -> bytes.putDouble(value);
      }
    }
    return bytes.array();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "|b1", "|u1", "|i1", "<u2", ">u2", "<i2", ">i2", "<u4", ">u4", "<i4", ">i4", "<u8", ">u8",
        "<i8", ">i8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"
      })
  void readsEitherOrderOfBytesAndOfElements(String type) throws IOException {
    double[][] rows =
        type.equals("|b1")
            ? new double[][] {{1, 0, 1}, {0, 0, 1}}
            : type.charAt(1) == 'f'
                ? new double[][] {{1.5, -2, 0.25}, {4, 1024, -0.125}}
                : new double[][] {{1, 2, 3}, {40, 50, 127}};
    for (boolean fortran : new boolean[] {false, true}) {
      byte[] array =
          TestData.npy(
              "{'descr': '%s', 'fortran_order': %s, 'shape': (2, 3), }"
                  .formatted(type, fortran ? "True" : "False"),
              content(type, rows, fortran));
      assertThat(read(array)).isDeepEqualTo(rows);
      Path compressed = TestData.write(folder, "a.npy.gz", TestData.gzip(array));
      assertThat(InMemoryTable.read(compressed, TableOptions.DEFAULT).dataset().row(1))
          .isEqualTo(rows[1]);
    }
  }

  @Test
  void unsignedLongsAreRoundedCorrectly() throws IOException {
    ByteBuffer longs = elements(16).putLong(-1).putLong((1L << 63) + 1025);
    assertThat(read(TestData.npy(header("<u8", "(2, 1)"), longs.array())))
        .isDeepEqualTo(new double[][] {{0x1p64}, {0x1p63 + 2048}});
  }

  /** 300 columns are 3495 rows a block: the third block is not full. */
  @Test
  void readsAFortranOrderedArrayOfSeveralBlocks() throws IOException {
    int rows = 8000;
    ByteBuffer values = elements(rows * 300 * 4);
    for (int c = 0; c < 300; c++) {
      for (int r = 0; r < rows; r++) {
        values.putFloat(1000 * r + c);
      }
    }
    byte[] array =
        TestData.npy(
            "{'descr': '<f4', 'fortran_order': True, 'shape': (8000, 300), }", values.array());
    for (Path file :
        List.of(
            TestData.write(folder, "f.npy", array),
            TestData.write(folder, "f.npy.gz", TestData.gzip(array)))) {
      Dataset data = InMemoryTable.read(file, TableOptions.DEFAULT).dataset();
      assertThat(data.size()).isEqualTo(rows);
      for (int r = 0; r < rows; r++) {
        double[] row = data.row(r);
        for (int c = 0; c < 300; c++) {
          if (row[c] != (float) (1000 * r + c)) {
            assertThat(row[c]).as("row %d, column %d", r, c).isEqualTo((float) (1000 * r + c));
          }
        }
      }
    }
    refuses("t.npy.gz", TestData.gzip(Arrays.copyOf(array, array.length - 4)), "truncated file of");
    refuses("m.npy.gz", TestData.gzip(Arrays.copyOf(array, array.length + 1)), "found more data");
  }

  @Test
  void readsVersionsTwoAndThree() throws IOException {
    byte[] text = header("|u1", "(2, 1)").getBytes(StandardCharsets.US_ASCII);
    for (byte version = 2; version <= 3; version++) {
      ByteBuffer content =
          elements(12 + text.length + 2)
              .put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', version, 0})
              .putInt(text.length)
              .put(text)
              .put(new byte[] {5, 6});
      assertThat(read(content.array())).isDeepEqualTo(new double[][] {{5}, {6}});
    }
  }

  /** Several reads of the file, and several pieces of each; the last value of a row is bad. */
  @ParameterizedTest
  @ValueSource(strings = {"<f4", ">f4", "<f8", ">f8", "<f2"})
  void goodRowsAtOnceEndBeforeTheBadOne(String type) throws IOException {
    int rows = 30_000;
    List<Integer> bad = List.of(0, 1, 900, 20_000, rows - 1);
    ByteBuffer content = ByteBuffer.allocate(rows * 3 * (type.charAt(2) - '0'));
    content.order(type.charAt(0) == '<' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    for (int i = 0; i < 3 * rows; i++) {
      boolean last = i % 3 == 2 && bad.contains(i / 3);
      float value = !last ? value(i) : i / 3 == 900 ? Float.NEGATIVE_INFINITY : Float.NaN;
      switch (type.charAt(2)) {
        case '2' -> content.putShort(Float.floatToFloat16(value));
        case '4' -> content.putFloat(value);
        default -> content.putDouble(value);
      }
    }
    byte[] array = TestData.npy(header(type, "(" + rows + ", 3)"), content.array());
    for (Path file :
        List.of(
            TestData.write(folder, "many.npy", array),
            TestData.write(folder, "many.npy.gz", TestData.gzip(array)))) {
      try (TableReader table = TableReader.open(file)) {
        double[] block = new double[3 * 20_000 + 1];
        int row = 0;
        while (row < rows) {
          int good = table.nextGood(block, 1, 20_000);
          int first = 3 * row;
          double[] expected =
              IntStream.range(0, 3 * good).mapToDouble(i -> value(first + i)).toArray();
          assertThat(Arrays.mismatch(block, 1, 1 + 3 * good, expected, 0, 3 * good)).isEqualTo(-1);
          row += good;
          assertThat(table.row()).isEqualTo(row);
          if (good == 0 && table.next()) {
            assertThat(table.problem() != null).isEqualTo(bad.contains(row));
            row++;
          }
        }
        assertThat(table.next()).isFalse();
      }
    }
  }

  private static float value(int i) {
    return i % 1024;
  }

  @Test
  void reportsNonFiniteRowsAndReadsOn() throws IOException {
    ByteBuffer floats =
        elements(24)
            .putFloat(1)
            .putFloat(2)
            .putFloat(3)
            .putFloat(Float.NaN)
            .putFloat(5)
            .putFloat(6);
    Path file =
        TestData.write(folder, "nan.npy", TestData.npy(header("<f4", "(3, 2)"), floats.array()));
    try (TableReader table = TableReader.open(file)) {
      assertThat(table.next()).isTrue();
      assertThat(table.problem()).isNull();
      assertThat(table.next()).isTrue();
      assertThat(table.problem()).contains("column 2", "NaN");
      assertThat(table.nonFinite()).isTrue();
      assertThat(table.next()).isTrue();
      assertThat(table.values()).containsExactly(5, 6);
      assertThat(table.id()).isEqualTo("3");
      assertThat(table.next()).isFalse();
    }
    refuses("nan.npy", Files.readAllBytes(file), "row 2", "column 2", "NaN");
    InMemoryTable dropped = InMemoryTable.read(file, TableOptions.DEFAULT.withDropNonFinite(true));
    assertThat(dropped.droppedRows()).isEqualTo(1);
    assertThat(dropped.dataset().row(1)).containsExactly(5, 6);
    assertThat(dropped.dataset().number(1)).isEqualTo(3);
  }

  @Test
  void refusesTruncatedFiles() throws IOException {
    byte[] whole = TestData.npy(header("<f8", "(4, 2)"), new byte[64]);
    refuses(
        "a.npy",
        Arrays.copyOf(whole, whole.length - 1),
        "expected " + whole.length,
        "found " + (whole.length - 1));
    refuses("b.npy", Arrays.copyOf(whole, 30), "header", "truncated");
    refuses("c.npy", Arrays.copyOf(whole, 5), "expected an NPY file");
    refuses(
        "d.npy.gz",
        TestData.gzip(Arrays.copyOf(whole, whole.length - 20)),
        "truncated",
        "row 3",
        "offset " + (whole.length - 20));
    refuses("e.npy", Arrays.copyOf(whole, whole.length + 1), "found " + (whole.length + 1));
    refuses("f.npy.gz", TestData.gzip(Arrays.copyOf(whole, whole.length + 1)), "found more data");
  }

  @Test
  void refusesArraysOfOtherShapesAndTypes() throws IOException {
    refuses("a.npy", TestData.npy(header("<f8", "(4,)"), new byte[32]), "(rows, columns)", "(4,)");
    refuses("b.npy", TestData.npy(header("<f8", "(1, 2, 2)"), new byte[32]), "u1", "<f8");
    refuses("c.npy", TestData.npy(header("<f8", "()"), new byte[8]), "(rows, columns)");
    refuses("d.npy", TestData.npy(header("<f16", "(2, 2)"), new byte[64]), "f8", "found <f16");
    refuses("e.npy", TestData.npy(header("|O", "(2, 2)"), new byte[32]), "found |O");
    refuses(
        "f.npy",
        TestData.npy(
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,2)}", new byte[16]),
        "structured");
    refuses("g.npy", TestData.npy(header("<c8", "(2, 2)"), new byte[32]), "found <c8");
    refuses(
        "h.npy", TestData.npy("{'descr': '<f4', 'shape': (2,2)}", new byte[16]), "fortran_order");
    refuses("i.npy", "a,b\n1,2\n".getBytes(StandardCharsets.US_ASCII), "expected an NPY file");
    byte[] version9 = TestData.npy(header("<f8", "(4, 2)"), new byte[64]);
    version9[6] = 9;
    refuses("j.npy", version9, "found 9.0");
  }

  @Test
  void anArrayWithoutRowsIsATableWithoutRows() throws IOException {
    Path file =
        TestData.write(folder, "none.npy", TestData.npy(header("<f8", "(0, 2)"), new byte[0]));
    try (TableReader reader = TableReader.open(file)) {
      assertThat(reader.dimension()).isEqualTo(2);
      assertThat(reader.next()).isFalse();
    }
    refuses("none.npy", Files.readAllBytes(file), "expected rows of numbers, found none");
    refuses(
        "more.npy", TestData.npy(header("<f8", "(0, 2)"), new byte[16]), "shape (0,2)", "found 86");
  }

  @Test
  void refusesAbsurdSizesBeforeAllocation() throws IOException {
    refuses(
        "a.npy", TestData.npy(header("<f8", "(4611686018427387904, 4)"), new byte[32]), "shape");
    refuses("b.npy", TestData.npy(header("<f8", "(1000000000, 1000000)"), new byte[32]), "shape");
    refuses(
        "c.npy", TestData.npy(header("<f8", "(99999999999999999999, 2)"), new byte[32]), "shape");
    refuses("d.npy", TestData.npy(header("<f8", "(2, 0)"), new byte[0]), "shape");
    refuses(
        "e.npy.gz",
        TestData.gzip(TestData.npy(header("<f8", "(1, 10000000)"), new byte[32])),
        "shape");
    byte[] longHeader = TestData.npy(header("<f8", "(2, 2)"), new byte[32]);
    longHeader[6] = 2;
    longHeader[10] = 'A'; // of a header of more than a gigabyte
    longHeader[11] = 'A';
    refuses("f.npy", longHeader, "header of at most 65536");
  }

  @Test
  void readsMiniboone() {
    Dataset data =
        InMemoryTable.read(TestData.real("miniboone/val.npy"), TableOptions.DEFAULT).dataset();
    assertThat(data.size()).isEqualTo(3284);
    assertThat(data.dimension()).isEqualTo(43);
    TableSummary summary =
        TableSummary.of(TestData.real("miniboone/val.npy"), TableOptions.DEFAULT);
    assertThat(summary.columns())
        .allSatisfy(
            column -> {
              assertThat(column.mean())
                  .isEqualTo(0, within(.1)); // the file is normalised by its training set
              assertThat(column.deviation()).isEqualTo(1, within(.2));
            });
  }
}
