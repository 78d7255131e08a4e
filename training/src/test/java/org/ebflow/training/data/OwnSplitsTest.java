package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Parts of one's own: their shares, and files of their own. */
class OwnSplitsTest {
  private static final int ROWS = 90;

  @TempDir Path folder;

  /** Rows r, -r, 7r of columns a, b, c for r from {@code first} on. */
  private Path csv(String name, String header, int first, int rows) throws IOException {
    StringBuilder text = new StringBuilder(header.isEmpty() ? "" : header + "\n");
    List<String> names = header.isEmpty() ? List.of("a", "b", "c") : List.of(header.split(","));
    for (int r = first; r < first + rows; r++) {
      double value = r + .5;
      text.append(
          String.join(
              ",", names.stream().map(column -> String.valueOf(of(column, value))).toList()));
      text.append('\n');
    }
    return TestData.write(folder, name, text.toString());
  }

  private static double of(String column, double value) {
    return switch (column) {
      case "a" -> value;
      case "b" -> -value;
      case "c" -> 7 * value;
      case "same" -> 5;
      default -> 1e6;
    };
  }

  private Path npy(String name, int first, int rows, int columns) throws IOException {
    Path file = folder.resolve(name);
    double[][] values = new double[rows][columns];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        values[r][c] = of(List.of("a", "b", "c", "d").get(c), first + r + .5);
      }
    }
    NpyWriter.write(file, Matrix.ofRows(Precision.FLOAT64, values));
    return file;
  }

  private Splits load(Path file, SplitOptions split) {
    return load(file, TableOptions.DEFAULT, split);
  }

  private Splits load(Path file, TableOptions options, SplitOptions split) {
    return DataSources.in(folder).load(file.toString(), options, split, 1);
  }

  private static void hasSizes(Splits splits, int train, int validation, int test) {
    assertThat(List.of(splits.train().size(), splits.validation().size(), splits.test().size()))
        .containsExactly(train, validation, test);
  }

  @ParameterizedTest
  @CsvSource({".8, .1, .1, 72, 9, 9", ".5, .3, .2, 45, 27, 18", ".9, .05, .05, 81, 5, 4"})
  void sharesAreThoseAskedFor(
      double train, double validation, double test, int trainRows, int validationRows, int testRows)
      throws IOException {
    SplitOptions split = SplitOptions.DEFAULT.withShares(train, validation, test);
    Splits csv = load(csv("t.csv", "a,b,c", 0, ROWS), split);
    hasSizes(csv, trainRows, validationRows, testRows);
    Splits npy = load(npy("t.npy", 0, ROWS, 3), split);
    hasSizes(npy, trainRows, validationRows, testRows);
    assertThat(npy.test().row(0)).as("the same rows").containsExactly(csv.test().row(0));
  }

  @Test
  void theDefaultIsTheSplitOfTheSharesAlone() throws IOException {
    Path file = csv("t.csv", "a,b,c", 0, ROWS);
    Splits splits = load(file, SplitOptions.DEFAULT);
    Splits expected = DataSources.read(file, TableOptions.DEFAULT).split(.8, .1, .1, 1);
    for (int r = 0; r < splits.train().size(); r++) {
      assertThat(splits.train().row(r)).containsExactly(expected.train().row(r));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {".csv", ".npy"})
  void aPartWithAFileOfItsOwnHasAllOfItsRowsAndTheOthersShareTheRest(String ending)
      throws IOException {
    boolean csv = ending.equals(".csv");
    Path file = csv ? csv("t.csv", "a,b,c", 0, ROWS) : npy("t.npy", 0, ROWS, 3);
    Path other = csv ? csv("o.csv", "c,x,a,b", 500, 7) : npy("o.npy", 500, 7, 3);
    Path third = csv ? csv("h.csv", "b,c,a", 800, 6) : npy("h.npy", 800, 6, 3);

    Splits tested = load(file, SplitOptions.DEFAULT.withTest(other));
    hasSizes(tested, 80, 10, 7);
    assertThat(tested.test().row(2)).as("by name").containsExactly(502.5, -502.5, 3517.5);
    assertThat(tested.test().name()).isEqualTo("o" + ending);
    Splits validated = load(file, SplitOptions.DEFAULT.withValidation(other));
    hasSizes(validated, 80, 7, 10);
    assertThat(validated.validation().row(0)).containsExactly(500.5, -500.5, 3503.5);
    Splits both = load(file, SplitOptions.DEFAULT.withValidation(other).withTest(third));
    hasSizes(both, ROWS, 7, 6);
    assertThat(both.test().row(5)).containsExactly(805.5, -805.5, 5638.5);
    assertThat(IntStream.range(0, ROWS).mapToDouble(r -> both.train().row(r)[0]).sorted())
        .containsExactly(IntStream.range(0, ROWS).mapToObj(r -> r + .5).toArray(Double[]::new));
    hasSizes(load(file, new SplitOptions(.7, .3, 0, null, other)), 63, 27, 7); // 0 for its own file
    assertThat(List.of(both.train(), both.validation(), both.test()))
        .extracting(Dataset::sha256)
        .doesNotHaveDuplicates();
  }

  @Test
  void columnsThatWereChosenOrDroppedInTrainingAreThoseOfEveryPart() throws IOException {
    Path file = csv("t.csv", "a,same,b,c", 0, ROWS);
    Path other = csv("o.csv", "c,same,b,a", 500, 7);
    SplitOptions split = SplitOptions.DEFAULT.withTest(other);
    Splits chosen = load(file, TableOptions.DEFAULT.withColumns(List.of("c", "a")), split);
    assertThat(chosen.test().row(0)).containsExactly(3503.5, 500.5);
    Splits dropped = load(file, TableOptions.DEFAULT.withDropConstant(true), split);
    hasSizes(dropped, 80, 10, 7);
    assertThat(dropped.test().row(0)).containsExactly(500.5, -500.5, 3503.5);
    Path nameless = csv("n.csv", "", 900, 5);
    assertThat(load(csv("u.csv", "a,b,c", 0, 20), split.withTest(nameless)).test().row(0))
        .as("by place, where the file has no names")
        .containsExactly(900.5, -900.5, 6303.5);
  }

  @Test
  void imagesAreSplitWithFilesOfTheirOwnToo() throws IOException {
    Path images = TestData.write(folder, "own-ubyte", TestData.idx(20, 3, 4));
    Path test = TestData.write(folder, "test-ubyte", TestData.idx(5, 3, 4));
    Splits splits = load(images, SplitOptions.DEFAULT.withTest(test));
    hasSizes(splits, 18, 2, 5);
    assertThat(splits.test().imageShape()).isEqualTo(splits.train().imageShape());
    Path reals = npy("reals.npy", 0, 5, 4);
    assertThatThrownBy(() -> load(images, SplitOptions.DEFAULT.withTest(reals)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith(
            "reals.npy: expected rows of 12 pixels of 256 levels, as own-ubyte has, found 4 values");
  }

  @Test
  void filesThatDoNotFitAreRefused() throws IOException {
    Path file = csv("t.csv", "a,b,c", 0, ROWS);
    Path array = npy("t.npy", 0, ROWS, 3);
    assertRefused(file, csv("two.csv", "a,b", 0, 9), "two.csv: expected a column c, found a, b");
    assertRefused(
        array,
        npy("four.npy", 0, 9, 4),
        "four.npy: expected rows of 3 values, as t.npy has, found 4 values");
    assertRefused(
        file,
        npy("two.npy", 0, 9, 2),
        "two.npy: expected rows of 3 values, as t.csv has, found 2 values");
    assertRefused(file, folder.resolve("none.csv"), "none.csv: expected a file, found none");
  }

  private void assertRefused(Path file, Path own, String message) {
    for (SplitOptions split :
        List.of(SplitOptions.DEFAULT.withTest(own), SplitOptions.DEFAULT.withValidation(own))) {
      assertThatThrownBy(() -> load(file, split))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageEndingWith(message);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {".csv", ".npy"})
  void oneFileIsNotTwoParts(String ending) throws IOException {
    boolean csv = ending.equals(".csv");
    Path file = csv ? csv("t.csv", "a,b,c", 0, ROWS) : npy("t.npy", 0, ROWS, 3);
    Path copy = csv ? csv("copy.csv", "a,b,c", 0, ROWS) : npy("copy.npy", 0, ROWS, 3);
    Path other = csv ? csv("o.csv", "a,b,c", 500, 7) : npy("o.npy", 500, 7, 3);
    String training = "expected other rows than those of the training, found the same file";
    assertRefused(file, file, file.getFileName() + ": " + training);
    assertRefused(file, copy, copy.getFileName() + ": " + training);
    assertThatThrownBy(() -> load(file, SplitOptions.DEFAULT.withValidation(other).withTest(other)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith(
            "expected other rows than those of the validation, found the same file");
  }

  @Test
  void noFileOfSeveralIsInTwoParts() throws IOException {
    csv("part1.csv", "a,b", 0, ROWS);
    Path second = csv("part2.csv", "a,b", 500, ROWS);
    csv("other1.csv", "a,b", 900, 7);
    csv("other2.csv", "a,b", 500, ROWS);
    Path parts = folder.resolve("part*.csv");
    String message = "expected other rows than those of the training, found the same file";
    assertRefused(parts, second, message);
    assertRefused(parts, folder.resolve("other*.csv"), message);
    assertRefused(second, parts, message);
  }

  @Test
  void namedSetsHaveTheirOwnSplit() throws IOException {
    Path file = csv("t.csv", "a,b", 0, ROWS);
    DataSources sources = DataSources.in(folder);
    for (SplitOptions split :
        List.of(SplitOptions.DEFAULT.withTest(file), SplitOptions.DEFAULT.withShares(.7, .2, .1))) {
      assertThatThrownBy(() -> sources.load("sine", TableOptions.DEFAULT, split, 1))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("sine: expected no choice of the split for a named data set, found one");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, .5, .5",
    ".8, .2, 0",
    ".8, 0, .2",
    ".8, .3, -.1",
    ".8, .1, .2",
    ".7, .1, .1",
    "NaN, .1, .1"
  })
  void sharesThatAreNoneAreRefused(double train, double validation, double test) {
    assertThatThrownBy(() -> SplitOptions.DEFAULT.withShares(train, validation, test))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("split is " + train + ", ")
        .hasMessageContaining("that add up to 1");
  }

  @Test
  void tooFewRowsForAPartAreRefused() throws IOException {
    Path file = csv("t.csv", "a,b,c", 0, 3);
    assertThatThrownBy(() -> load(file, SplitOptions.DEFAULT))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected rows enough to split");
    hasSizes(
        load(
            file, SplitOptions.DEFAULT.withTest(csv("o.csv", "a,b,c", 9, 2)).withShares(.5, .5, 0)),
        2,
        1,
        2);
  }
}
