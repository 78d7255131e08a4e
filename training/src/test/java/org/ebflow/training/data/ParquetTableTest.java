package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ParquetTableTest {
  /** Mutations of each file. */
  private static final int MUTATIONS = 100;

  @TempDir private Path folder;

  private static Path fixture(String name) {
    return ParquetFixtures.file(name);
  }

  private static TableOptions columns(String... names) {
    return TableOptions.DEFAULT.withColumns(List.of(names));
  }

  /** All good rows. */
  private static List<double[]> rows(Path file, TableOptions options) throws IOException {
    List<double[]> rows = new ArrayList<>();
    try (TableReader table = TableReader.open(file, options)) {
      while (table.next()) {
        assertThat(table.problem()).as("row %d", table.row()).isNull();
        rows.add(table.values().clone());
      }
    }
    return rows;
  }

  private static double[] column(Path file, String name) throws IOException {
    return rows(file, columns(name)).stream().mapToDouble(row -> row[0]).toArray();
  }

  /** What every writer was given, see make.py. */
  @ParameterizedTest
  @ValueSource(strings = {"pyarrow", "pandas", "polars", "duckdb", "spark", "fastparquet"})
  void numbersOfEveryTypeAreReadFromEveryWriter(String writer) throws IOException {
    Path file = fixture(writer + ".parquet");
    assertThat(column(file, "i8")).containsExactly(-128, 127, 0, 1, 2, 3, 4);
    assertThat(column(file, "i16")).containsExactly(-32768, 32767, 0, 1, 2, 3, 4);
    assertThat(column(file, "i32")).containsExactly(-2147483648, 2147483647, 0, 1, 2, 3, 4);
    assertThat(column(file, "i64")).containsExactly(-0x1p53, 0x1p53, 0, 1, 2, 3, 4);
    assertThat(column(file, "u8")).containsExactly(255, 128, 0, 1, 2, 3, 4);
    assertThat(column(file, "u16")).containsExactly(65535, 32768, 0, 1, 2, 3, 4);
    assertThat(column(file, "u32")).containsExactly(4294967295.0, 2147483648.0, 0, 1, 2, 3, 4);
    assertThat(column(file, "u64")).containsExactly(0x1p64 - 2048, 0x1p63, 0, 1, 2, 3, 4);
    assertThat(column(file, "f32")).containsExactly(0.5, -0.25, 1.5, 2.5, 3.5, 4.5, 5.5);
    assertThat(column(file, "f64")).containsExactly(0.1, -0.2, 1e300, 0.1, 0.1, 0.1, 5e-324);
    assertThat(column(file, "flag")).containsExactly(1, 0, 1, 0, 1, 0, 1);
    if (!writer.equals("fastparquet")) { // which knows no decimals
      assertThat(column(file, "dec9")).containsExactly(1.25, -1.25, .01, 9999999.99, 2, 3.5, -.01);
      assertThat(column(file, "dec18"))
          .containsExactly(1.0625, -1.0625, 1e-4, 99999999999999.9999, 2, 3, 4);
      assertThat(column(file, "dec38"))
          .containsExactly(1.5, -1.5, 1e-6, 12345678901234567890.123456, 2, 3, 4);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pyarrow", "pandas", "polars", "duckdb", "spark", "fastparquet"})
  void aNullIsAMissingValueAndTextIdentifiesRows(String writer) throws IOException {
    TableOptions options = columns("i8", "gap").withIdColumn("id");
    List<String> ids = new ArrayList<>();
    try (TableReader table = TableReader.open(fixture(writer + ".parquet"), options)) {
      assertThat(table.columns()).containsExactly("i8", "gap");
      while (table.next()) {
        ids.add(table.id());
        assertThat(table.place()).isEqualTo("row " + table.row());
        if (table.row() == 2) {
          assertThat(table.problem()).endsWith("(gap): expected a finite number, found null");
          assertThat(table.nonFinite()).isTrue();
        } else {
          assertThat(table.problem()).isNull();
          assertThat(table.values()[1]).isEqualTo(table.row());
        }
      }
    }
    assertThat(ids).containsExactly("a", "b", "ü,\"x\"", "d", "e", "f", "g");
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "snappy", "gzip", "zstd", "lz4"})
  void rowGroupsPagesAndCodecs(String codec) throws IOException {
    requireThousandRows(fixture("groups-" + codec + ".parquet"));
  }

  /** More rows than the engine's batches have, in many row groups. */
  @Test
  void rowGroupsThatAreReadAreUnmapped() throws IOException {
    int rows = 70_000;
    Path file = folder.resolve("groups.parquet");
    try (OutputStream out = Files.newOutputStream(file)) {
      ParquetWriter writer =
          new ParquetWriter(
              out,
              List.of(
                  new ParquetWriter.Column("a", ParquetWriter.Kind.REAL),
                  new ParquetWriter.Column("b", ParquetWriter.Kind.WHOLE)));
      writer.begin();
      for (int from = 0; from < rows; from += 7_000) {
        ParquetWriter.Values a = new ParquetWriter.Values();
        ParquetWriter.Values b = new ParquetWriter.Values();
        for (int r = from; r < from + 7_000; r++) {
          a.add(r / 8.0);
          b.add((long) -r);
        }
        writer.write(List.of(a, b));
      }
      writer.finish();
    }
    try (TableReader table = TableReader.open(file)) {
      double[] block = new double[2 * rows];
      for (int row = 0; row < rows; ) {
        int good = table.nextGood(block, 2 * row, rows - row);
        assertThat(good).isPositive();
        row += good;
      }
      for (int r = 0; r < rows; r++) {
        if (block[2 * r] != r / 8.0 || block[2 * r + 1] != -r) {
          throw new AssertionError("row " + r);
        }
      }
      assertThat(mapped(file)).isLessThan(Files.size(file) / 2);
      assertThat(table.next()).isFalse();
    }
    assertThat(mapped(file)).isZero();
  }

  /** Bytes of a file that this process has mapped; 0 where the system does not tell. */
  private static long mapped(Path file) throws IOException {
    Path maps = Path.of("/proc/self/maps");
    return !Files.exists(maps)
        ? 0
        : Files.readAllLines(maps, StandardCharsets.ISO_8859_1).stream()
            .filter(line -> line.endsWith(file.toString()))
            .map(line -> line.substring(0, line.indexOf(' ')).split("-"))
            .mapToLong(ends -> Long.parseLong(ends[1], 16) - Long.parseLong(ends[0], 16))
            .sum();
  }

  @Test
  void pagesOfTheSecondVersionAndOtherEncodings() throws IOException {
    requireThousandRows(fixture("pages-v2.parquet"));
    double[] group = column(fixture("delta.parquet"), "group");
    assertThat(group).hasSize(1000);
    assertThat(Arrays.copyOf(group, 7)).containsExactly(0, 1, 2, 3, 4, 0, 1);
    assertThat(column(fixture("float16.parquet"), "f16")).containsExactly(0.5, -2, 65504);
  }

  private static void requireThousandRows(Path file) throws IOException {
    try (TableReader table = TableReader.open(file)) {
      for (int i = 0; i < 1000; i++) {
        assertThat(table.next()).isTrue();
        assertThat(table.row()).isEqualTo(i + 1);
        if (i % 100 == 7) {
          assertThat(table.problem())
              .isEqualTo("column 1 (x): expected a finite number, found null");
        } else {
          assertThat(table.problem()).isNull();
          assertThat(table.values()).containsExactly(i / 8.0, i * 37 % 11 / 4.0, i % 5);
        }
      }
      assertThat(table.next()).isFalse();
      assertThat(table.next()).isFalse();
    }
  }

  @Test
  void columnsAreChosenByNameRangeAndExclusion() throws IOException {
    Path file = fixture("pyarrow.parquet");
    assertThat(rows(file, columns("f32", "i8..i32", "u8")).getFirst())
        .containsExactly(0.5, -128, -32768, -2147483648, 255);
    TableOptions drop = TableOptions.DEFAULT.withDrop(List.of("id", "i8..dec38"));
    try (TableReader table = TableReader.open(file, drop)) {
      assertThat(table.columns()).containsExactly("gap");
    }
    ModelColumns model = new ModelColumns(2, List.of("f64", "i8"), null);
    assertThat(rows(file, TableOptions.DEFAULT.forModel(model)).getFirst())
        .containsExactly(0.1, -128);
    TableOptions wholes = columns("f32").withIdColumn("u64");
    try (TableReader table = TableReader.open(file, wholes)) {
      assertThat(table.next()).isTrue();
      assertThat(table.id()).isEqualTo("18446744073709549568");
    }
  }

  @Test
  void namesMayHoldPointsAndCommas() throws IOException {
    Path file = fixture("names.parquet");
    assertThat(rows(file, TableOptions.DEFAULT).getLast()).containsExactly(2, 4, 6);
    assertThat(rows(file, columns("ü", "a.b")).getFirst()).containsExactly(5, 1);
  }

  @Test
  void anIndexOfPandasIsLeftOut() throws IOException {
    try (TableReader table = TableReader.open(fixture("pandas-index.parquet"))) {
      assertThat(table.columns()).containsExactly("x", "y", "group");
      assertThat(table.note()).isEqualTo("left out __index_level_0__, the index of a pandas table");
    }
  }

  @Test
  void columnsThatHoldNoNumbersAreNamed() {
    refuses(
        fixture("pyarrow.parquet"),
        TableOptions.DEFAULT,
        "column 1 (id): expected numbers, found the type STRING (--columns chooses others");
    refuses(
        fixture("dates.parquet"),
        columns("time"),
        "column 2 (time): expected numbers, found the type TIMESTAMP(MICROS, local)");
    refuses(
        fixture("nested.parquet"), columns("point"), "(point): expected numbers, found structs");
    refuses(fixture("nested.parquet"), columns("list"), "(list): expected numbers, found lists");
    refuses(
        fixture("nested.parquet"),
        columns("x").withIdColumn("list"),
        "(list): expected ids, found lists");
    refuses(
        fixture("nested.parquet"),
        columns("point.a"),
        "expected a column point.a, found x, point, list");
  }

  @Test
  void whatIsNotReadMayBeAnything() throws IOException {
    assertThat(rows(fixture("nested.parquet"), columns("x"))).hasSize(2);
  }

  @Test
  void noRowsAreNoRows() throws IOException {
    assertThat(rows(fixture("no-rows.parquet"), TableOptions.DEFAULT)).isEmpty();
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    Path text = Files.writeString(folder.resolve("a.parquet"), "a,b\n1,2\n");
    refuses(text, TableOptions.DEFAULT, "expected a Parquet file, found no PAR1 at its start");
    Path tiny = Files.writeString(folder.resolve("b.parquet"), "PAR1");
    refuses(tiny, TableOptions.DEFAULT, "found a truncated file");
    byte[] whole = Files.readAllBytes(fixture("pyarrow.parquet"));
    Path half = Files.write(folder.resolve("c.parquet"), Arrays.copyOf(whole, whole.length / 2));
    refuses(half, columns("i8"), "found a truncated file");
    refuses(fixture("groups-brotli.parquet"), columns("x"), "expected Parquet that this program");
  }

  /** Each ends in a correct table, or in one line that begins with the name of the file. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "pyarrow",
        "duckdb",
        "polars",
        "spark",
        "groups-snappy",
        "groups-zstd",
        "groups-lz4",
        "groups-gzip",
        "pages-v2",
        "delta"
      })
  @Timeout(60)
  void damageIsOneLine(String name) throws IOException {
    byte[] whole = Files.readAllBytes(fixture(name + ".parquet"));
    Path file = folder.resolve("damaged.parquet");
    Random random = new Random(name.hashCode());
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] damaged = whole.clone();
      int changes = 1 + random.nextInt(4);
      for (int c = 0; c < changes; c++) {
        damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      }
      if (i % 10 == 0) {
        damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length));
      }
      Files.write(file, damaged);
      try (TableReader table = TableReader.open(file, TableOptions.DEFAULT.withDrop(idOf(name)))) {
        while (table.next()) {
          table.problem();
        }
      } catch (InvalidInputException e) {
        assertThat(e.getMessage())
            .as("mutation %d", i)
            .startsWith(file + ": ")
            .doesNotContain("\n");
      }
    }
  }

  private static List<String> idOf(String name) {
    return name.contains("-") || name.equals("delta") ? List.of() : List.of("id");
  }

  private static void refuses(Path file, TableOptions options, String message) {
    ThrowingCallable open = () -> rows(file, options);
    assertThatThrownBy(open)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }
}
