package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.TableOptions.Header;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvHeaderTest {
  @TempDir Path folder;

  private Path file(String firstLine) throws IOException {
    String row = "0.5" + ",0.5".repeat((int) firstLine.chars().filter(c -> c == ',').count());
    return TestData.write(folder, "a.csv", firstLine + "\n" + row + "\n" + row + "\n");
  }

  private static TableOptions model(String... names) {
    return TableOptions.DEFAULT.forModel(
        new ModelColumns(Math.max(3, names.length), List.of(names), null));
  }

  private static int rows(Path file, TableOptions options) throws IOException {
    try (TableReader table = TableReader.open(file, options)) {
      int rows = 0;
      while (table.next()) {
        rows++;
      }
      assertThat(rows).isEqualTo(table.header() ? 2 : 3);
      return rows;
    }
  }

  private void asks(String firstLine, TableOptions options) throws IOException {
    Path file = file(firstLine);
    assertThatThrownBy(() -> TableReader.open(file, options))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": expected --header yes or --header no, found ")
        .hasMessageNotContaining("\n");
    assertThat(rows(file, options.withHeader(Header.NO))).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a,b",
        "a",
        "a,NA",
        "nan,b",
        "inf,x",
        "null,None,c",
        "a,,b",
        "a,-,b",
        "x1,x2",
        "\"a\",c",
        "2019 Q1,2019 Q2",
        "1st,2nd",
        "größe,Länge"
      })
  void textWithoutNumbersIsAHeader(String firstLine) throws IOException {
    Path file = file(firstLine);
    assertThat(rows(file, TableOptions.DEFAULT)).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1.5,2", "0.25", "2,1,3", "1,1", "5,5,5", "NA", "-", "-,-", "NA,-", "?,?", "nan,inf",
        "N/A,", "\"\"", "1,nan", "1e999,2", "0.5,abc", "3,NA,2", "1,2,4,4"
      })
  void numbersThatAreNoNamesAndMissingValuesAreARow(String firstLine) throws IOException {
    assertThat(rows(file(firstLine), TableOptions.DEFAULT)).isEqualTo(3);
    assertThat(rows(file(firstLine), model())).isEqualTo(3);
    assertThat(rows(file(firstLine), model("a", "b", "c"))).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0,1,2",
        "0",
        "1,2",
        "2019,2020",
        "2020,2019,2018",
        "1.0,2.0,3.0",
        "\"0\",\"1\"",
        "0,2,17",
        "-1,0,1",
        "400,400.5,401",
        "0.1,0.2,0.3,0.4",
        ",0,1,2",
        "a,1,2",
        "0,1,label",
        "a,2019",
        "1e3,2e3"
      })
  void numbersThatMayBeNamesAreAskedAbout(String firstLine) throws IOException {
    asks(firstLine, TableOptions.DEFAULT);
    asks(firstLine, model());
    asks(firstLine, model("a", "b", "c"));
    if (!firstLine.startsWith(",")) {
      assertThat(rows(file(firstLine), TableOptions.DEFAULT.withHeader(Header.YES))).isEqualTo(2);
    }
  }

  @Test
  void theModelsNamesDecide() throws IOException {
    for (String names :
        List.of(
            "0,1,2",
            "2019,2020,2021",
            "2021,2020,2019",
            "5,3,4",
            "1.0,2.0,3.0",
            "0.5,0.25,7",
            "a,1,2",
            "nan,NA,inf",
            "NA,-,?")) {
      String[] each = names.split(",");
      assertThat(rows(file(names), model(each))).as(names).isEqualTo(2);
      assertThat(rows(file("99," + names), model(each))).as("wider, %s", names).isEqualTo(2);
    }
    assertThat(rows(file("2,1,a"), model("a", "1", "2"))).as("permuted").isEqualTo(2);
  }

  @Test
  void aRowOfAModelsNumbersInAnotherOrderIsAskedAbout() throws IOException {
    asks("3,5,4", model("5", "3", "4"));
  }

  @Test
  void aNumericFileWithoutTheModelsNamesKeepsItsRows() throws IOException {
    assertThat(rows(file("0.5,7,1"), model("0", "1", "2"))).isEqualTo(3);
    assertThat(rows(file("7,8,1"), model("a", "b", "c"))).isEqualTo(3);
    asks("1,2,3", model("0", "1", "2"));
    asks("2020,2021,2022", model("2019", "2020", "2021"));
  }

  @Test
  void namesAskedForDecide() throws IOException {
    Path years = file("2019,2020,2021");
    TableOptions chosen = TableOptions.DEFAULT.withColumns(List.of("2021", "2019"));
    assertThat(rows(years, chosen)).isEqualTo(2);
    assertThat(rows(years, model("x", "y").withIdColumn("2020").withColumns(List.of("2019"))))
        .isEqualTo(2);
    assertThatThrownBy(() -> TableReader.open(years, chosen.withColumns(List.of("2019", "2025"))))
        .hasMessageContaining("expected a column 2025, found 2019, 2020, 2021");
    assertThatThrownBy(() -> TableReader.open(years, chosen.withColumns(List.of("a"))))
        .hasMessageContaining("expected a first line with column names, found numbers");
    assertThatThrownBy(() -> TableReader.open(years, chosen.withHeader(Header.NO)))
        .hasMessageContaining("found --header no");
  }

  @Test
  void aHeaderOfNumbersGivesNames() throws IOException {
    Path file = TestData.write(folder, "a.csv", "0,1,2\n5,6,7\n");
    Dataset data = InMemoryTable.read(file, TableOptions.DEFAULT.withHeader(Header.YES)).dataset();
    assertThat(data.columns()).containsExactly("0", "1", "2");
    assertThat(data.row(0)).containsExactly(5, 6, 7);
    data = InMemoryTable.read(file, TableOptions.DEFAULT.withHeader(Header.NO)).dataset();
    assertThat(data.columns()).isEmpty();
    assertThat(data.row(0)).containsExactly(0, 1, 2);
  }

  @Test
  void aTextRowIsARowIfTheUserSaysSo() throws IOException {
    Path file = TestData.write(folder, "a.csv", "a,b\n5,6\n");
    List<String> problems = new ArrayList<>();
    try (TableReader table = TableReader.open(file, TableOptions.DEFAULT.withHeader(Header.NO))) {
      while (table.next()) {
        problems.add(String.valueOf(table.problem()));
      }
    }
    assertThat(problems).containsExactly("column 1: expected a number, found 'a'", "null");
  }

  @Test
  void anArrayHasNoHeader() throws IOException {
    Path file =
        TestData.write(
            folder,
            "a.npy",
            TestData.npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)}", new byte[2]));
    TableReader.open(file, TableOptions.DEFAULT.withHeader(Header.NO)).close();
    assertThatThrownBy(() -> TableReader.open(file, TableOptions.DEFAULT.withHeader(Header.YES)))
        .hasMessageContaining("found an NPY file, which has none");
  }
}
