package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Text that is parsed in chunks gives the rows of text that is parsed as a whole. */
final class CsvChunksTest {
  @TempDir Path folder;

  private static String body(int columns, int rows, String end, String odd) {
    Random random = new Random(columns);
    StringBuilder text = new StringBuilder();
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        text.append(c == 0 ? "" : ",").append(random.nextInt(-999, 999) / 8.0);
      }
      text.append(end);
      if (r % 17 == 16) {
        text.append(odd).append(end);
      }
    }
    return text.toString();
  }

  static Stream<Arguments> texts() {
    String header = "a,b,c\n";
    return Stream.of(
        Arguments.of("plain", header + body(3, 60, "\n", "1,2,3")),
        Arguments.of("no header", "1.5,2.5,-3.25\n" + body(3, 60, "\n", "1,2,3")),
        Arguments.of("CRLF", "a,b,c\r\n" + body(3, 60, "\r\n", "1,2,3")),
        Arguments.of("CR alone", "a,b,c\r" + body(3, 60, "\r", "1,2,3")),
        Arguments.of("CR in some lines", header + body(3, 60, "\n", "1,2,3\r4,5,6")),
        Arguments.of("blank lines", "\n\n" + header + body(3, 60, "\n", " ")),
        Arguments.of("one column", "a\n" + body(1, 90, "\n", "")),
        Arguments.of("blank lines above a value", "\n\n1.5\n" + body(1, 90, "\n", "")),
        Arguments.of("bad rows", header + body(3, 60, "\n", "1,x,3\n1,NaN,\n1,2")),
        Arguments.of("quotes late", header + body(3, 60, "\n", "1,2,3") + "1,\"2\",3\n4,5,6\n"),
        Arguments.of("line breaks in quotes", header + body(3, 60, "\n", "1,2,\"\n3\"\n7,8,9")),
        Arguments.of("two lines in each record", header + "1,2,\"\n3\"\n".repeat(90)),
        Arguments.of(
            "names of two lines that fill a chunk",
            "\"a\n" + "x".repeat(36) + "\",b,c\n" + body(3, 60, "\n", "1,x,3")),
        Arguments.of("a quote in a cell", header + body(3, 60, "\n", "1,2\"3,4\n5,6,7")),
        Arguments.of("an open quote", header + body(3, 60, "\n", "1,2,3") + "1,\"2,3\n4,5,6\n"),
        Arguments.of(
            "an open quote in the last line", header + body(3, 60, "\n", "1,2,3") + "1,2,\"3"),
        Arguments.of("names in quotes", "\"a\",\"b\n2\",\"c\"\n" + body(3, 60, "\n", "1,2,3")),
        Arguments.of(
            "a header longer than chunks", "a" + "a".repeat(300) + ",b,c\n1,2,3\n4,5,6\n7,8,9\n"),
        Arguments.of("no line break at the end", header + body(3, 60, "\n", "1,2,3") + "7,8,9"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("texts")
  void rowsAreThoseOfTheWholeText(String name, String text) throws IOException {
    assertThat(compare(write(name, text, StandardCharsets.UTF_8), options(text)))
        .hasSizeGreaterThan(2);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("texts")
  void soAreIdsAndOtherEncodings(String name, String text) throws IOException {
    Path file = write(name, "\uFEFF" + text, StandardCharsets.UTF_16LE);
    if (text.startsWith("a,b,c")) {
      compare(file, TableOptions.DEFAULT.withIdColumn("b"));
      compare(file, TableOptions.DEFAULT.withColumns(List.of("c", "a")));
    } else {
      compare(file, options(text));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("texts")
  void bytesThatAreNoTextAreTheSameError(String name, String text) throws IOException {
    byte[] bytes = (text + "1,2,\u00e9\n4,5,6\n").getBytes(StandardCharsets.ISO_8859_1);
    Path file = Files.write(folder.resolve("latin.csv"), bytes);
    assertThat(compare(file, options(text)).getLast()).contains("found the byte 0xE9 in");
  }

  /**
   * The decoder loses the end of what it reads at once where a wrong byte is in it, not at its end.
   */
  @ParameterizedTest
  @ValueSource(ints = {0, 50, 1 << 16})
  void rowsBeforeBytesThatAreNoTextAreWhole(int characters) throws IOException {
    String text = "a,b,c\n" + body(3, 2000, "\n", "1,2,x");
    List<String> all =
        rows(write("text", text, StandardCharsets.UTF_8), TableOptions.DEFAULT, 0, false);
    Path file =
        Files.write(
            folder.resolve("latin.csv"),
            (text + "1,2,\u00e9").getBytes(StandardCharsets.ISO_8859_1));
    List<String> found = rows(file, TableOptions.DEFAULT, characters, false);
    int told = found.size() - 1;
    assertThat(found.getLast()).contains("found the byte 0xE9 in");
    assertThat(told).isBetween(100, all.size());
    assertThat(found.subList(0, told)).isEqualTo(all.subList(0, told));
  }

  /** The user's word where numbers may be names. */
  private static TableOptions options(String text) {
    return text.startsWith("1.5,")
        ? TableOptions.DEFAULT.withHeader(TableOptions.Header.NO)
        : TableOptions.DEFAULT;
  }

  private Path write(String name, String text, Charset charset) throws IOException {
    Path file = folder.resolve(name + ".csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(text.getBytes(charset));
    }
    return file;
  }

  /** Returns what the whole text gives. */
  private static List<String> compare(Path file, TableOptions options) throws IOException {
    List<String> whole = rows(file, options, 0, false);
    for (int characters : new int[] {50, 200, 1 << 16}) {
      assertThat(rows(file, options, characters, false)).isEqualTo(whole);
      assertThat(values(rows(file, options, characters, true))).isEqualTo(values(whole));
    }
    return whole;
  }

  /** Without ids, which rows that are read at once do not have. */
  private static List<String> values(List<String> rows) {
    return rows.stream().map(row -> row.replaceAll(" id .*", "")).toList();
  }

  /** Everything that is told of each row, and the error that ends them. */
  private static List<String> rows(Path file, TableOptions options, int characters, boolean many)
      throws IOException {
    List<String> rows = new ArrayList<>();
    try (CsvTable table = CsvTable.open(InputFile.of(file), options, characters)) {
      double[] block = new double[7 * table.dimension()];
      while (true) {
        int good = many ? table.nextGood(block, 0, 7) : 0;
        for (int r = 0; r < good; r++) {
          rows.add(
              (table.row() - good + r + 1)
                  + " "
                  + Arrays.toString(
                      Arrays.copyOfRange(
                          block, r * table.dimension(), (r + 1) * table.dimension())));
        }
        if (good == 0) {
          if (!table.next()) {
            return rows;
          }
          rows.add(
              table.row()
                  + " "
                  + (table.problem() == null
                      ? Arrays.toString(table.values())
                      : table.problem() + " " + table.nonFinite() + " " + table.place())
                  + " id "
                  + table.id()
                  + " line "
                  + table.line());
        }
      }
    } catch (InvalidInputException e) {
      rows.add(e.getMessage());
      return rows;
    }
  }
}
