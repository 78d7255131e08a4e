package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CsvTableTest {
  @TempDir Path folder;

  private Dataset load(String text) throws IOException {
    return LoadedTable.read(TestData.write(folder, "a.csv", text), List.of(), false).dataset();
  }

  private void refuses(String text, String... parts) throws IOException {
    refuses("a.csv", text.getBytes(StandardCharsets.UTF_8), List.of(), parts);
  }

  private void refuses(String name, byte[] content, List<String> columns, String... parts)
      throws IOException {
    Path file = TestData.write(folder, name, content);
    assertThatThrownBy(() -> LoadedTable.read(file, columns, false))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n");
  }

  /** Every row as "id: values" or "id! problem". */
  private List<String> rows(String text, List<String> columns, String idColumn) throws IOException {
    List<String> rows = new ArrayList<>();
    try (TableReader table =
        TableReader.open(TestData.write(folder, "a.csv", text), columns, idColumn)) {
      while (table.next()) {
        rows.add(
            table.problem() == null
                ? table.id() + ": " + Arrays.toString(table.values())
                : table.id() + "! " + table.problem());
      }
    }
    return rows;
  }

  @Test
  void readsNumbersWithoutHeader() throws IOException {
    Dataset data = load("1,2.5\n-3e2, 4 \n");
    assertThat(data.columns()).isEmpty();
    assertThat(data.row(0)).containsExactly(1, 2.5);
    assertThat(data.row(1)).containsExactly(-300, 4);
    assertThat(data.levels()).isZero();
  }

  @Test
  void readsNamesFromTheFirstLine() throws IOException {
    Dataset data =
        load(
            "\uFEFFa,\"b, c\"\r\n1,\"2\"\r\n\r\n3,4"); // byte order mark, quotes, an empty line, no
    // last newline
    assertThat(data.columns()).containsExactly("a", "b, c");
    assertThat(data.size()).isEqualTo(2);
    assertThat(data.row(1)).containsExactly(3, 4);
  }

  @Test
  void readsCompressedText() throws IOException {
    Path file =
        TestData.write(
            folder, "a.csv.gz", TestData.gzip("x,y\n1,2\n".getBytes(StandardCharsets.UTF_8)));
    assertThat(LoadedTable.read(file, List.of(), false).dataset().row(0)).containsExactly(1, 2);
  }

  @Test
  void readsChosenColumnsInTheOrderAskedFor() throws IOException {
    assertThat(rows("id,a,b,c\nx1,1,2,3\nx2,4,5,6\n", List.of("c", "a"), "id"))
        .containsExactly("x1: [3.0, 1.0]", "x2: [6.0, 4.0]");
    assertThat(rows("id,a,b\nx1,1,2\n", List.of(), "id")).containsExactly("x1: [1.0, 2.0]");
    assertThat(rows("a,id\n1,text\n", List.of("a"), null)).containsExactly("1: [1.0]");
  }

  @Test
  void reportsBadRowsAndReadsOn() throws IOException {
    assertThat(
            rows(
                "k,a,b\nr1,1,2\nr2,1\nr3,1,2,3\nr4,1,abc\nr5,1,NaN\nr6,,1\nr7,-Inf,1\nr8,1d,2\nr9,7,8\n",
                List.of(),
                "k"))
        .containsExactly(
            "r1: [1.0, 2.0]",
            "r2! expected 3 cells, found 2",
            "r3! expected 3 cells, found 4",
            "r4! column 3 (b): expected a number, found 'abc'",
            "r5! column 3 (b): expected a finite number, found NaN or nothing",
            "r6! column 2 (a): expected a finite number, found NaN or nothing",
            "r7! column 2 (a): expected a finite number, found -Infinity",
            "r8! column 2 (a): expected a number, found '1d'",
            "r9: [7.0, 8.0]");
  }

  @Test
  void aBadFirstRowIsNotTakenForAHeader() throws IOException {
    assertThat(rows("1,abc\n3,4\n", List.of(), null))
        .containsExactly("1! column 2: expected a number, found 'abc'", "2: [3.0, 4.0]");
    assertThat(rows("1,nan\n3,4\n", List.of(), null)).element(0).asString().contains("finite");
  }

  @Test
  void parsesNumbersCorrectlyRounded() throws IOException {
    String[] literals = {
      "0.1",
      "1e-320",
      "4.9e-324",
      "1.7976931348623157e308",
      "9007199254740993",
      "-0.0",
      "12345.6789e-5",
      ".5",
      "5."
    };
    Dataset data = load(String.join(",", literals) + "\n");
    assertThat(data.row(0))
        .containsExactly(Arrays.stream(literals).mapToDouble(Double::parseDouble).toArray());
  }

  @Test
  void loadingNamesTheFirstBadRow() throws IOException {
    refuses("a,b\n1,2\n3\n", "row 2 (line 3)", "expected 2 cells, found 1");
    refuses("a,b\n1,2\n3,x\n", "row 2 (line 3)", "column 2 (b)", "'x'");
    refuses("1,2\n3,Infinity\n", "row 2 (line 2)", "column 2", "Infinity");
  }

  @Test
  void dropsAndCountsNonFiniteRowsOnlyIfAsked() throws IOException {
    Path file = TestData.write(folder, "a.csv", "1,2\nnan,3\n4,\n5,6\n");
    LoadedTable loaded = LoadedTable.read(file, List.of(), true);
    assertThat(loaded.droppedRows()).isEqualTo(2);
    assertThat(loaded.dataset().size()).isEqualTo(2);
    assertThat(loaded.dataset().number(0)).isEqualTo(1);
    assertThat(loaded.dataset().number(1)).isEqualTo(4);
    Path ragged = TestData.write(folder, "b.csv", "1,2\nnan\n");
    assertThatThrownBy(() -> LoadedTable.read(ragged, List.of(), true))
        .hasMessageContaining("expected 2 cells, found 1");
    Path none = TestData.write(folder, "c.csv", "nan,2\n");
    assertThatThrownBy(() -> LoadedTable.read(none, List.of(), true))
        .isInstanceOf(InvalidInputException.class);
  }

  @Test
  void refusesFilesWithoutRows() throws IOException {
    refuses("", "empty file");
    refuses("\n\n", "found no line of text");
    refuses("a,b\n", "expected rows of numbers, found none");
  }

  @Test
  void refusesForeignAndCorruptFiles() throws IOException {
    refuses("\u0000\u0001\u0002PNG", "binary data");
    refuses("a,b\n1,\"2\n3,4\n", "expected CSV, found corruption");
    byte[] compressed = TestData.gzip("1,2\n".repeat(5000).getBytes(StandardCharsets.UTF_8));
    byte[] whole = compressed.clone();
    refuses("a.csv.gz", Arrays.copyOf(compressed, compressed.length - 12), List.of(), "truncated");
    compressed[compressed.length - 7] ^= 1;
    byte[] two = ByteBuffer.allocate(2 * whole.length).put(whole).put(whole).array();
    two[whole.length + 1] ^= 1;
    refuses("c.csv.gz", two, List.of(), "gzip", "corruption");
    refuses("d.csv.gz", Arrays.copyOf(whole, whole.length + 3), List.of(), "gzip", "corruption");
    refuses("b.csv.gz", compressed, List.of(), "gzip", "corruption");
    refuses("a.parquet", "PAR1".getBytes(StandardCharsets.UTF_8), List.of(), ".csv");
  }

  @Test
  void refusesColumnsThatAreNotThere() throws IOException {
    byte[] table = "a,b,b\n1,2,3\n".getBytes(StandardCharsets.UTF_8);
    refuses("a.csv", table, List.of("z"), "expected a column z, found a, b, b");
    refuses("a.csv", table, List.of("b"), "expected one column b");
    refuses("a.csv", table, List.of("a", "a"), "a twice");
    refuses("b.csv", "1,2\n".getBytes(StandardCharsets.UTF_8), List.of("a"), "column names");
    Path file = TestData.write(folder, "a.csv", table);
    assertThatThrownBy(() -> TableReader.open(file, List.of("a"), "a"))
        .hasMessageContaining("twice");
    assertThatThrownBy(() -> TableReader.open(folder.resolve("sub.csv")))
        .hasMessageContaining("found none");
  }

  @Test
  void summaryCountsBadRows() throws IOException {
    TableSummary summary =
        TableSummary.of(TestData.write(folder, "a.csv", "a,b\n1,5\n3,5\nx,1\n5,5\n"));
    assertThat(summary.rows()).isEqualTo(4);
    assertThat(summary.badRows()).isEqualTo(1);
    assertThat(summary.firstBad()).startsWith("row 3 (line 4): column 1 (a)");
    assertThat(summary.columns().get(0))
        .isEqualTo(new TableSummary.Column("a", 1, 5, 3, Math.sqrt(8 / 3.0)));
    assertThat(summary.columns().get(1)).isEqualTo(new TableSummary.Column("b", 5, 5, 5, 0));
  }
}
