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
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        LoadedTable.read(TestData.write(folder, "a.npy", content), List.of(), false).dataset();
    return new double[][] {data.row(0), data.row(1)};
  }

  private void refuses(String name, byte[] content, String... parts) throws IOException {
    Path file = TestData.write(folder, name, content);
    assertThatThrownBy(() -> LoadedTable.read(file, List.of(), false))
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
      Dataset data = LoadedTable.read(file, List.of(), false).dataset();
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
    LoadedTable dropped = LoadedTable.read(file, List.of(), true);
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
    refuses("a.npy", TestData.npy(header("<f8", "(4,)"), new byte[32]), "2-D", "(4,)");
    refuses("b.npy", TestData.npy(header("<f8", "(1, 2, 2)"), new byte[32]), "2-D", "(1,2,2)");
    refuses("c.npy", TestData.npy(header("<f8", "()"), new byte[8]), "2-D");
    refuses("d.npy", TestData.npy(header(">f8", "(2, 2)"), new byte[32]), "<f8", "found >f8");
    refuses("e.npy", TestData.npy(header("|O", "(2, 2)"), new byte[32]), "found |O");
    refuses(
        "f.npy",
        TestData.npy(
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,2)}", new byte[16]),
        "structured");
    refuses(
        "g.npy",
        TestData.npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2,2)}", new byte[16]),
        "Fortran");
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
    Dataset data = LoadedTable.read(TestData.real("miniboone/val.npy"), List.of(), false).dataset();
    assertThat(data.size()).isEqualTo(3284);
    assertThat(data.dimension()).isEqualTo(43);
    TableSummary summary = TableSummary.of(TestData.real("miniboone/val.npy"));
    assertThat(summary.columns())
        .allSatisfy(
            column -> {
              assertThat(column.mean())
                  .isEqualTo(0, within(.1)); // the file is normalised by its training set
              assertThat(column.deviation()).isEqualTo(1, within(.2));
            });
  }
}
