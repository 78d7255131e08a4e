package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.TableOptions.Header;
import org.ebflow.training.data.TableOptions.Separator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same choice of columns in every format. */
final class ColumnChoiceTest {
  @TempDir private Path folder;
  private Path named;
  private Path npy;
  private Path unnamed;

  @BeforeEach
  void write() throws IOException {
    named = Files.writeString(folder.resolve("named.csv"), "a,b,c,d\n1,2,3,4\n");
    unnamed = Files.writeString(folder.resolve("unnamed.csv"), "1,2.5,3,4\n");
    npy = folder.resolve("a.npy");
    NpyWriter.write(npy, Matrix.ofRows(Precision.FLOAT64, new double[][] {{1, 2.5, 3, 4}}));
  }

  private static TableOptions columns(String list) {
    return TableOptions.DEFAULT.withColumns(TableOptions.names(list));
  }

  private static TableOptions drop(String list) {
    return TableOptions.DEFAULT.withDrop(TableOptions.names(list));
  }

  private static double[] first(Path file, TableOptions options) throws IOException {
    try (TableReader table = TableReader.open(file, options)) {
      assertThat(table.next()).isTrue();
      assertThat(table.problem()).isNull();
      return table.values().clone();
    }
  }

  @Test
  void namesAndRanges() throws IOException {
    assertThat(first(named, columns("c,a"))).containsExactly(3, 1);
    assertThat(first(named, columns("d,a..c"))).containsExactly(4, 1, 2, 3);
    assertThat(first(named, drop("b..c"))).containsExactly(1, 4);
    refuses(named, columns("c..a"), "expected a range from left to right, found c..a");
    refuses(named, columns("a..b,b"), "expected each column to be asked for once, found b twice");
    refuses(named, columns("a..x"), "expected a column x, found a, b, c, d");
    refuses(named, drop("x"), "expected a column x, found a, b, c, d");
    refuses(named, drop("a..d"), "expected a column with values, found none");
  }

  @Test
  void aNameMayLookLikeARange() throws IOException {
    Path file = Files.writeString(folder.resolve("b.csv"), "a,b,a..b\n1,2,3\n");
    assertThat(first(file, columns("a..b"))).containsExactly(3);
  }

  @Test
  void columnsWithoutNamesHaveNumbers() throws IOException {
    TableOptions no = columns("4,1..2").withHeader(Header.NO);
    assertThat(first(unnamed, no)).containsExactly(4, 1, 2.5);
    assertThat(first(npy, columns("4,1..2"))).containsExactly(4, 1, 2.5);
    assertThat(first(npy, drop("2"))).containsExactly(1, 3, 4);
    refuses(npy, columns("5"), "expected a column 5, found 1, 2, 3, 4");
    refuses(npy, columns("a"), "expected a column a, found 1, 2, 3, 4");
    refuses(unnamed, columns("5").withHeader(Header.NO), "found --header no");
    TableOptions id = TableOptions.DEFAULT.withIdColumn("3");
    try (TableReader table = TableReader.open(npy, id)) {
      assertThat(table.next()).isTrue();
      assertThat(table.id()).isEqualTo("3");
      assertThat(table.values()).containsExactly(1, 2.5, 4);
    }
  }

  @Test
  void aModelFindsItsColumns() throws IOException {
    ModelColumns model = new ModelColumns(2, List.of("d", "b"), null);
    assertThat(first(named, TableOptions.DEFAULT.forModel(model))).containsExactly(4, 2);
    assertThat(first(named, columns("b,d").forModel(model))).containsExactly(4, 2);
    assertThat(first(named, drop("a,c").forModel(model))).containsExactly(4, 2);
    refuses(named, drop("d").forModel(model), "found one of them among --drop");
    ModelColumns places = new ModelColumns(2, List.of(), new ColumnPlaces(4, List.of(3, 0)));
    assertThat(first(npy, TableOptions.DEFAULT.forModel(places))).containsExactly(4, 1);
    assertThat(first(npy, TableOptions.DEFAULT.withIdColumn("3").forModel(places)))
        .containsExactly(4, 1);
    ModelColumns three = new ModelColumns(3, List.of(), null);
    assertThat(first(npy, TableOptions.DEFAULT.withIdColumn("3").forModel(three)))
        .containsExactly(1, 2.5, 4);
    assertThat(first(npy, drop("1").forModel(three))).containsExactly(2.5, 3, 4);
  }

  @Test
  void choosingAndDroppingExcludeEachOther() {
    assertThatThrownBy(() -> columns("a").withDrop(List.of("b")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("expected --columns or --drop, found both");
  }

  @ParameterizedTest
  @CsvSource({"SEMICOLON, ;", "TAB, '\t'"})
  void separatorsAndDecimalCommas(Separator separator, String text) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("c.csv"),
            "a;b;c;d\n1,5;-2,25e-1; 3 ;7\n1.5;2;3;4\n1.234,5;2;3;4\n".replace(";", text));
    TableOptions comma = TableOptions.DEFAULT.withSeparator(separator, true);
    try (TableReader table = TableReader.open(file, comma)) {
      assertThat(table.columns()).containsExactly("a", "b", "c", "d");
      assertThat(table.next()).isTrue();
      assertThat(table.problem()).isNull();
      assertThat(table.values()).containsExactly(1.5, -.225, 3, 7);
      for (String bad : List.of("1.5", "1.234,5")) {
        assertThat(table.next()).isTrue();
        assertThat(table.problem())
            .isEqualTo("column 1 (a): expected a number, found '" + bad + "'");
      }
    }
    Path points = Files.writeString(folder.resolve("d.csv"), "a;b\n1.5;2\n".replace(";", text));
    assertThat(first(points, TableOptions.DEFAULT.withSeparator(separator, false)))
        .containsExactly(1.5, 2);
    assertThat(first(points, columns("b").withSeparator(separator, false))).containsExactly(2);
  }

  @Test
  void aDecimalCommaTellsNumbersFromNames() throws IOException {
    Path file = Files.writeString(folder.resolve("e.csv"), "1,5;2,5\n3,5;4,5\n");
    TableOptions comma = TableOptions.DEFAULT.withSeparator(Separator.SEMICOLON, true);
    assertThat(first(file, comma)).containsExactly(1.5, 2.5);
  }

  @Test
  void theWrongSeparatorIsNamed() throws IOException {
    Path file = Files.writeString(folder.resolve("f.csv"), "a;b\n1;2\n");
    refuses(file, TableOptions.DEFAULT, "(--separator semicolon reads them)");
    refuses(
        named,
        TableOptions.DEFAULT.withSeparator(Separator.TAB, false),
        "expected the separator that was named, found commas in line 1");
    assertThatThrownBy(() -> TableOptions.DEFAULT.withSeparator(Separator.COMMA, true))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("--separator");
  }

  private static void refuses(Path file, TableOptions options, String message) {
    assertThatThrownBy(() -> first(file, options))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message);
  }
}
