package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvTableTest {
  private static final TableOptions DROPPING = TableOptions.DEFAULT.withDropNonFinite(true);

  @TempDir Path folder;

  private Dataset load(String text) throws IOException {
    return InMemoryTable.read(TestData.write(folder, "a.csv", text), TableOptions.DEFAULT)
        .dataset();
  }

  private void refuses(String text, String... parts) throws IOException {
    refuses("a.csv", text.getBytes(StandardCharsets.UTF_8), List.of(), parts);
  }

  private void refuses(String name, byte[] content, List<String> columns, String... parts)
      throws IOException {
    Path file = TestData.write(folder, name, content);
    assertThatThrownBy(() -> InMemoryTable.read(file, TableOptions.DEFAULT.withColumns(columns)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n");
  }

  /** Every row as "id: values" or "id! problem". */
  private List<String> rows(String text, List<String> columns, String idColumn) throws IOException {
    List<String> rows = new ArrayList<>();
    try (TableReader table =
        TableReader.open(
            TestData.write(folder, "a.csv", text),
            TableOptions.DEFAULT.withColumns(columns).withIdColumn(idColumn))) {
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
    assertThat(InMemoryTable.read(file, TableOptions.DEFAULT).dataset().row(0))
        .containsExactly(1, 2);
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
    assertThat(rows("1.5,abc\n3,4\n", List.of(), null))
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
    refuses("1.5,2\n3,Infinity\n", "row 2 (line 2)", "column 2", "Infinity");
  }

  @Test
  void dropsAndCountsNonFiniteRowsOnlyIfAsked() throws IOException {
    Path file = TestData.write(folder, "a.csv", "1.5,2\nnan,3\n4,\n5,6\n");
    InMemoryTable loaded = InMemoryTable.read(file, DROPPING);
    assertThat(loaded.droppedRows()).isEqualTo(2);
    assertThat(loaded.dataset().size()).isEqualTo(2);
    assertThat(loaded.dataset().number(0)).isEqualTo(1);
    assertThat(loaded.dataset().number(1)).isEqualTo(4);
    Path ragged = TestData.write(folder, "b.csv", "1.5,2\nnan\n");
    assertThatThrownBy(() -> InMemoryTable.read(ragged, DROPPING))
        .hasMessageContaining("expected 2 cells, found 1");
    Path none = TestData.write(folder, "c.csv", "nan,2\n");
    assertThatThrownBy(() -> InMemoryTable.read(none, DROPPING))
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
    byte[] compressed = TestData.gzip("1.5,2\n".repeat(5000).getBytes(StandardCharsets.UTF_8));
    byte[] whole = compressed.clone();
    refuses("a.csv.gz", Arrays.copyOf(compressed, compressed.length - 12), List.of(), "truncated");
    compressed[compressed.length - 7] ^= 1;
    byte[] two = ByteBuffer.allocate(2 * whole.length).put(whole).put(whole).array();
    two[whole.length + 1] ^= 1;
    refuses("c.csv.gz", two, List.of(), "gzip", "corruption");
    refuses("d.csv.gz", Arrays.copyOf(whole, whole.length + 3), List.of(), "gzip", "corruption");
    refuses("b.csv.gz", compressed, List.of(), "gzip", "corruption");
    refuses("a.parquet", "PAR1".getBytes(StandardCharsets.UTF_8), List.of(), "truncated");
  }

  @Test
  void aColumnMayBeAValueAndTheId() throws IOException {
    Path file = TestData.write(folder, "a.csv", "a,b\n1.50,2\n".getBytes(StandardCharsets.UTF_8));
    TableOptions options = TableOptions.DEFAULT.withColumns(List.of("b", "a")).withIdColumn("a");
    try (TableReader table = TableReader.open(file, options)) {
      assertThat(table.next()).isTrue();
      assertThat(table.values()).containsExactly(2, 1.5);
      assertThat(table.id()).isEqualTo("1.50");
    }
  }

  @Test
  void refusesColumnsThatAreNotThere() throws IOException {
    byte[] table = "a,b,b\n1,2,3\n".getBytes(StandardCharsets.UTF_8);
    refuses("a.csv", table, List.of("z"), "expected a column z, found a, b, b");
    refuses("a.csv", table, List.of("b"), "expected one column b");
    refuses("a.csv", table, List.of("a", "a"), "a twice");
    refuses("b.csv", "1,2\n".getBytes(StandardCharsets.UTF_8), List.of("a"), "column names");
    assertThatThrownBy(() -> TableReader.open(folder.resolve("sub.csv")))
        .hasMessageContaining("found none");
  }

  /** Every row's line and problem, "line: problem". */
  private List<String> lines(String text) throws IOException {
    List<String> lines = new ArrayList<>();
    try (TableReader table =
        TableReader.open(TestData.write(folder, "a.csv", text), TableOptions.DEFAULT)) {
      while (table.next()) {
        assertThat(table.row()).isEqualTo(lines.size() + 1);
        lines.add(table.line() + ": " + (table.problem() == null ? table.values()[0] : "missing"));
        assertThat(table.problem() == null).isNotEqualTo(table.nonFinite());
      }
    }
    return lines;
  }

  @Test
  void aBlankLineOfOneColumnIsAMissingValue() throws IOException {
    String[] expected = {"2: 0.5", "3: missing", "4: 1.5", "5: missing", "6: missing", "7: 2.5"};
    for (String missing : List.of("", "\"\"", "  ", "NA", "\t")) {
      for (String end : List.of("\n", "\r\n", "\r")) {
        String text = String.join(end, "x", "0.5", missing, "1.5", missing, missing, "2.5") + end;
        assertThat(lines(text)).as("'%s'", missing).containsExactly(expected);
      }
    }
    assertThat(lines("x\n0.5\n\n")).containsExactly("2: 0.5", "3: missing");
    assertThat(lines("x\n0.5")).containsExactly("2: 0.5");
  }

  @Test
  void blankLinesAboveTheFirstValueOfOneColumnAreRows() throws IOException {
    assertThat(lines("\n\n0.5\n\n1.5\n"))
        .containsExactly("1: missing", "2: missing", "3: 0.5", "4: missing", "5: 1.5");
    assertThat(lines("\n\nx\n0.5\n")).as("above a header").containsExactly("4: 0.5");
    assertThat(lines("NA\n-1.5\n")).containsExactly("1: missing", "2: -1.5");
  }

  @Test
  void aBlankLineOfAWiderTableIsNoRow() throws IOException {
    String[] expected = {"4: 0.5", "7: 1.5"};
    assertThat(lines("\na,b\n\n0.5,2\n\n  \n1.5,2\n\n\n")).containsExactly(expected);
    assertThat(lines("\r\na,b\r\n\r\n0.5,2\r\n\r\n\t\r\n1.5,2\r\n \r\n\r\n"))
        .containsExactly(expected);
    assertThat(lines("\n\n\n0.5,2\n\n\n1.5,2\n")).containsExactly(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "NA", "N/A", "n/a", "NULL", "null", "None", "<NA>", "#N/A", "?", "nan", "NaN", "-nan", "",
        " NA ", "1.#QNAN", "-1.#IND"
      })
  void wordsForAMissingValueAreMissing(String word) throws IOException {
    assertThat(rows("a,b\n1," + word + "\n" + word + ",2\n3,4\n", List.of(), null))
        .containsExactly(
            "1! column 2 (b): expected a finite number, found NaN or nothing",
            "2! column 1 (a): expected a finite number, found NaN or nothing",
            "3: [3.0, 4.0]");
    Path file = TestData.write(folder, "a.csv", "a,b\n1," + word + "\n3,4\n");
    assertThat(InMemoryTable.read(file, DROPPING).droppedRows()).isEqualTo(1);
    assertThatThrownBy(() -> InMemoryTable.read(file, TableOptions.DEFAULT))
        .hasMessageContaining("row 1 (line 2): column 2 (b)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"na", "none", "Null", "-", "missing", "??"})
  void otherWordsAreNoNumbers(String word) throws IOException {
    assertThat(rows("a,b\n1," + word + "\n", List.of(), null))
        .containsExactly("1! column 2 (b): expected a number, found '" + word + "'");
  }

  private static byte[] latin(String text) {
    return text.getBytes(Charset.forName("windows-1252"));
  }

  @Test
  void bytesThatAreNoTextAreAnErrorWithTheirLine() throws IOException {
    String rows = "k,a\nx,1\n".replace("x", "Zürich").replace("k", "id");
    String late = "id,a\n" + "x,1\n".repeat(9000) + "Zürich,2\n" + "x,1\n".repeat(9000);
    for (String end : List.of("\n", "\r\n", "\r")) {
      Path file = TestData.write(folder, "a.csv", latin(late.replace("\n", end)));
      Path gz = TestData.write(folder, "a.csv.gz", TestData.gzip(latin(late.replace("\n", end))));
      for (Path each : List.of(file, gz)) {
        assertThatThrownBy(
                () -> {
                  try (TableReader table =
                      TableReader.open(each, TableOptions.DEFAULT.withIdColumn("id"))) {
                    while (table.next()) {
                      assertThat(table.id()).isEqualTo("x");
                    }
                  }
                })
            .isInstanceOf(InvalidInputException.class)
            .hasMessageStartingWith(
                each + ": expected UTF-8 text, found the byte 0xFC in line 9002,")
            .hasMessageContaining("--encoding");
      }
    }
    refuses("a.csv", latin(rows), List.of("a"), "0xFC in line 2");
    refuses("a.csv", latin("größe,b\n1,2\n"), List.of(), "0xF6 in line 1");
    refuses("a.csv", latin("a,b\n\"x\n\ny\",ä\n"), List.of("a"), "0xE4 in line 4");
    byte[] cut = "a\n1\nä".getBytes(StandardCharsets.UTF_8);
    refuses("a.csv", Arrays.copyOf(cut, cut.length - 1), List.of(), "0xC3 in line 3");
  }

  @Test
  void readsTextInTheEncodingNamed() throws IOException {
    for (String name : List.of("windows-1252", "ISO-8859-1", "UTF-16LE", "IBM850")) {
      Charset charset = Charset.forName(name);
      Path file = TestData.write(folder, "a.csv", "Straße,größe\nZürich,2\n".getBytes(charset));
      try (TableReader table =
          TableReader.open(
              file, TableOptions.DEFAULT.withEncoding(charset).withIdColumn("Straße"))) {
        assertThat(table.columns()).containsExactly("größe");
        assertThat(table.next()).isTrue();
        assertThat(table.id()).isEqualTo("Zürich");
        assertThat(table.values()).containsExactly(2);
      }
    }
    Path file = TestData.write(folder, "a.csv", new byte[] {'a', '\n', (byte) 0x81, '\n'});
    assertThatThrownBy(
            () ->
                InMemoryTable.read(
                    file, TableOptions.DEFAULT.withEncoding(Charset.forName("windows-1252"))))
        .hasMessageContaining("expected windows-1252 text, found the byte 0x81 in line 2");
  }

  @Test
  void aByteOrderMarkSaysTheEncoding() throws IOException {
    for (String name : List.of("UTF-8", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE")) {
      Path file =
          TestData.write(folder, "a.csv", "\uFEFFgröße,b\n1,2\n".getBytes(Charset.forName(name)));
      for (TableOptions options :
          List.of(
              TableOptions.DEFAULT,
              TableOptions.DEFAULT.withEncoding(StandardCharsets.ISO_8859_1))) {
        Dataset data = InMemoryTable.read(file, options).dataset();
        assertThat(data.columns()).as(name).containsExactly("größe", "b");
        assertThat(data.row(0)).containsExactly(1, 2);
      }
    }
  }

  @Test
  void semicolonsAreRefused() throws IOException {
    for (String text :
        List.of("a;b\n1;2\n", "1;2\n3;4\n", "1,5;2,5\n3,5;4,5\n", "0,5 ; -2,5 ; 3,0\n")) {
      refuses(text, "expected commas between cells, found semicolons in line 1");
    }
  }

  private static String indexed(String name, double... index) {
    StringBuilder text = new StringBuilder(name + ",a,b\n");
    for (double each : index) {
      text.append(each == Math.rint(each) ? String.valueOf((long) each) : each).append(",7.5,9\n");
    }
    return text.toString();
  }

  @Test
  void anUnnamedFirstColumnThatCountsIsLeftOut() throws IOException {
    for (String name : List.of("", "\"\"", " ", "Unnamed: 0")) {
      for (double[] index : new double[][] {{0, 1, 2}, {1, 2, 3}, {1000, 1001}, {5}}) {
        Path file = TestData.write(folder, "a.csv", indexed(name, index));
        try (TableReader table = TableReader.open(file)) {
          assertThat(table.columns()).containsExactly("a", "b");
          assertThat(table.places()).isEqualTo(new ColumnPlaces(3, List.of(1, 2)));
          assertThat(table.note()).contains("left out the first column");
          assertThat(table.next()).isTrue();
          assertThat(table.values()).containsExactly(7.5, 9);
        }
      }
    }
    Path ragged = TestData.write(folder, "a.csv", ",a\n0,1\n\n1\n2,5\n3,x\n");
    try (TableReader table = TableReader.open(ragged)) {
      assertThat(table.columns()).containsExactly("a");
    }
  }

  @Test
  void severalUnnamedColumnsInFrontAreAnIndexEach() throws IOException {
    for (String names :
        List.of(",Unnamed: 0", "Unnamed: 0.1,Unnamed: 0", ",Unnamed: 0.1,Unnamed: 0", ",")) {
      String header = names + ",a,b\n";
      int index = names.split(",", -1).length;
      String text = header + "0,".repeat(index) + "7.5,9\n" + "1,".repeat(index) + "8.5,10\n";
      Path file = TestData.write(folder, "a.csv", text);
      try (TableReader table = TableReader.open(file)) {
        assertThat(table.columns()).as(names).containsExactly("a", "b");
        assertThat(table.note()).contains("left out the first columns, which have no names");
        assertThat(table.next()).isTrue();
        assertThat(table.values()).containsExactly(7.5, 9);
      }
      refuses(
          header + "0,".repeat(index - 1) + "3,7.5,9\n" + "1,".repeat(index - 1) + "5,8.5,10\n",
          "expected a first column with a name or with an index");
    }
    assertThat(rows(",Unnamed: 0,a\n0,3,1\n1,5,2\n", List.of(), "Unnamed: 0"))
        .containsExactly("3: [1.0]", "5: [2.0]");
    assertThat(rows(",Unnamed: 0\n0,3\n1,5\n", List.of(), null))
        .containsExactly("1: [0.0, 3.0]", "2: [1.0, 5.0]");
  }

  @Test
  void anUnnamedFirstColumnThatDoesNotCountIsRefusedUnlessItIsChosen() throws IOException {
    for (double[] index : new double[][] {{0, 2, 1}, {5, 3}, {0.5, 1.5}, {0, 1, 1}}) {
      refuses(indexed("", index), "expected a first column with a name or with an index");
    }
    refuses(",a\nx,1\ny,2\n", "expected a first column with a name");
    assertThat(rows(indexed("", 4, 2), List.of("", "b"), null))
        .containsExactly("1: [4.0, 9.0]", "2: [2.0, 9.0]");
    assertThat(rows(indexed("", 4, 2), List.of("b"), null)).containsExactly("1: [9.0]", "2: [9.0]");
    assertThat(rows(indexed("", 4, 2), List.of(), ""))
        .containsExactly("4: [7.5, 9.0]", "2: [7.5, 9.0]");
  }

  @Test
  void namesWithCommasAreChosenInQuotes() throws IOException {
    assertThat(TableOptions.names("a,\"b,c\", d ,\"\"")).containsExactly("a", "b,c", "d", "");
    assertThat(TableOptions.names("größe")).containsExactly("größe");
    assertThatThrownBy(() -> TableOptions.names("a,\"b"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("a,\"b: expected names separated by commas");
    assertThat(rows("a,\"b,c\"\n1,2\n", TableOptions.names("\"b,c\",a"), null))
        .containsExactly("1: [2.0, 1.0]");
  }

  @Test
  void emptyAndRepeatedIdsAreCopied() throws IOException {
    assertThat(rows("k,a\nx,1\n,2\nx,3\nNA,4\n", List.of(), "k"))
        .containsExactly("x: [1.0]", ": [2.0]", "x: [3.0]", "NA: [4.0]");
  }

  @Test
  void summaryCountsBadRows() throws IOException {
    TableSummary summary =
        TableSummary.of(
            TestData.write(folder, "a.csv", "a,b\n1,5\n3,5\nx,1\n5,5\n"), TableOptions.DEFAULT);
    assertThat(summary.rows()).isEqualTo(4);
    assertThat(summary.badRows()).isEqualTo(1);
    assertThat(summary.firstBad()).startsWith("row 3 (line 4): column 1 (a)");
    assertThat(summary.columns().get(0))
        .isEqualTo(new TableSummary.Column("a", 1, 5, 3, Math.sqrt(8 / 3.0)));
    assertThat(summary.columns().get(1)).isEqualTo(new TableSummary.Column("b", 5, 5, 5, 0));
  }
}
