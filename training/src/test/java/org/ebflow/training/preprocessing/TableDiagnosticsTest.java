package org.ebflow.training.preprocessing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.data.TableSummary;
import org.ebflow.training.preprocessing.TableDiagnostics.Treatment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TableDiagnosticsTest {
  private static final Blas BLAS = Blas.named("java");
  private static final Treatment BARE = new Treatment(false, false, false, false);

  @TempDir Path folder;

  /** Independent normal numbers of very different scales, changed row by row. */
  private static double[][] rows(int count, int columns, Consumer<double[]> change) {
    Random random = new Random(3);
    double[][] rows = new double[count][columns];
    for (double[] row : rows) {
      Arrays.setAll(row, c -> 3 * c + Math.pow(10, 9 * (c % 4) - 9) * random.nextGaussian());
      change.accept(row);
    }
    return rows;
  }

  private static double[][] rows(int count, int columns) {
    return rows(count, columns, row -> {});
  }

  private static List<String> lines(Dataset table, Treatment treatment) {
    return TableDiagnostics.lines(TableSummary.of(table), treatment, BLAS);
  }

  private static List<String> lines(double[][] rows) {
    return lines(Dataset.of(rows), Treatment.DEFAULT);
  }

  private static List<String> bare(double[][] rows) {
    return lines(Dataset.of(rows), BARE);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 19, 20, 300, 21_000})
  void aTableWithoutOddColumnsHasNoLine(int count) {
    assertThat(lines(rows(count, Math.min(count, 5)))).isEmpty();
  }

  @Test
  void columnsThatRepeatOthersAreNamedWithTheColumnTheyRepeat() {
    double[][] rows =
        rows(
            200,
            6,
            row -> {
              row[3] = 7e-20 - 1e-20 * row[1];
              row[5] = 2 * row[1];
            });
    assertThat(lines(rows))
        .containsExactly(
            "2 of 6 columns repeat others up to scale and shift (4 of 2; 6 of 2): log p is high without meaning, and only data.noise keeps it finite; leave them out by --columns");
    assertThat(bare(rows).getFirst()).contains("and nothing keeps it finite; leave");
  }

  @Test
  void linearCombinationsAreNamedWithTheColumnsTheyCombine() {
    double[][] rows = rows(200, 5, row -> row[4] = row[0] / 1e-9 - row[1] + 2 * row[2] / 1e9 + 5);
    String line =
        "1 of 5 columns are linear combinations of others (5 of 1, 2, 3): log p is high without meaning, and only data.noise keeps it finite; leave them out by --columns";
    assertThat(lines(rows)).containsExactly(line);
    // a tenth of a thousandth of the deviation is no longer rounding
    Random random = new Random(1);
    for (double[] row : rows) {
      row[4] += 5e-4 * random.nextGaussian();
    }
    assertThat(lines(rows)).isEmpty();
  }

  @Test
  void whereRowsAreFewerThanColumnsOnlyRepeatedColumnsAreFound() {
    double[][] rows = rows(30, 40, row -> row[39] = -row[20]);
    assertThat(lines(rows))
        .containsExactly(
            "30 rows are fewer than the 40 columns: correlations are shrunk towards 0 as far as the validation rows ask",
            "1 of 40 columns repeat others up to scale and shift (40 of 21): log p is high without meaning, and only data.noise keeps it finite; leave them out by --columns");
    assertThat(bare(rows).getFirst())
        .isEqualTo(
            "30 rows are fewer than the 40 columns: expect overfitting (the default model shrinks correlations)");
  }

  @Test
  void oneRowFarOutMakesNoTwoColumnsEqual() {
    double[][] rows = rows(200, 4);
    rows[50] = new double[] {1e6, 2e12, 3, 4};
    assertThat(lines(rows))
        .containsExactly(
            "2 of 4 columns have values far out (1, 2): they get little density and change no other row's");
    assertThat(bare(rows))
        .containsExactly(
            "2 of 4 columns have values far out (1, 2): they set the column's scale, in which all others are close together (the default model's margins bear them)");
  }

  /**
   * Of 200 values two on each side may lie anywhere. All others are from -0.98 to 0.97, with median
   * 0.
   */
  @ParameterizedTest
  @CsvSource({"199,48.4,0", "199,48.6,1", "0,-48.9,0", "0,-49.1,1"})
  void farOutIsFiftyTimesAsFarAsTheOthers(int row, double value, int found) {
    double[][] rows = new double[200][1];
    Arrays.setAll(rows, r -> new double[] {(r - 100) / 100.0});
    rows[row][0] = value;
    assertThat(lines(rows)).hasSize(found).allMatch(line -> line.contains("far out (1)"));
  }

  @Test
  void aValueFarOutIsFoundOutsideOfTheSample() {
    double[][] rows = rows(40_001, 2);
    rows[1][1] = -1e9;
    assertThat(lines(rows))
        .containsExactly(
            "1 of 2 columns have values far out (2): they get little density and change no other row's");
  }

  @Test
  void columnsOfFewValuesAreToldUnlessTheyAreSpread() {
    double[][] rows =
        rows(
            100,
            4,
            row -> {
              row[0] = row[0] > 0 ? row[0] : 0.5; // half of the rows or so
              row[1] = 0.25 * Math.clamp(Math.rint(2 * (row[1] - 3)), -3, 3);
              row[2] = Math.clamp(Math.rint((row[2] - 6) / 5e8), -3, 3);
            });
    for (int r = 0; r < 60; r++) {
      rows[r][0] = 0.5;
    }
    assertThat(lines(rows))
        .containsExactly(
            "1 of 4 columns hold whole numbers: spread over [n, n+1)",
            "1 of 4 columns have one value in more than half of the rows (1): the density has a peak there, which only data.noise keeps finite",
            "1 of 4 columns have at most 50 different values (2): the density has peaks there, which only data.noise keeps finite");
    assertThat(bare(rows))
        .containsExactly(
            "1 of 4 columns have one value in more than half of the rows (1): the density has a peak there, which nothing keeps finite (--set data.noise=0.05 would)",
            "2 of 4 columns have at most 50 different values (2, 3): the density has peaks there, which nothing keeps finite (--set data.noise=0.05 would)");
  }

  /** Up to 50 values are few, and no more than a tenth of the rows. */
  @ParameterizedTest
  @CsvSource({"100,10,1", "100,11,0", "1000,50,1", "1000,51,0"})
  void fewValuesAreAtMostFiftyAndATenthOfTheRows(int count, int values, int found) {
    double[][] rows = rows(count, 2);
    for (int r = 0; r < count; r++) {
      rows[r][1] = 0.3 * (r % values);
    }
    assertThat(lines(rows))
        .hasSize(found)
        .allMatch(line -> line.contains("have at most 50 different values (2)"));
  }

  @ParameterizedTest
  @CsvSource({"50,0", "51,1"})
  void onlyMoreThanHalfOfTheRowsWithOneValueAreTold(int tied, int found) {
    double[][] rows = rows(100, 2);
    for (int r = 0; r < tied; r++) {
      rows[r][1] = 0.5;
    }
    assertThat(lines(rows))
        .hasSize(found)
        .allMatch(line -> line.contains("have one value in more than half of the rows (2)"));
  }

  /** Of a variance of 1, a share of 1e-8 may be left over. */
  @ParameterizedTest
  @CsvSource({"5e-5,1", "2e-4,0"})
  void columnsThatLeaveAHundredMillionthOfTheVarianceAreDependent(double deviation, int found) {
    Random random = new Random(5);
    double[][] rows = new double[400][3];
    for (double[] row : rows) {
      row[0] = random.nextGaussian();
      row[1] = random.nextGaussian();
      row[2] = 0.6 * row[0] + 0.8 * row[1] + deviation * random.nextGaussian();
    }
    assertThat(lines(rows))
        .hasSize(found)
        .allMatch(line -> line.contains("are linear combinations of others (3 of 1, 2)"));
    for (double[] row : rows) {
      row[2] = -row[0] + deviation * random.nextGaussian();
    }
    assertThat(lines(rows))
        .hasSize(found)
        .allMatch(line -> line.contains("repeat others up to scale and shift (3 of 1)"));
  }

  @Test
  void combinationsOfSpreadColumnsKeepAFiniteDensity() {
    Random random = new Random(4);
    double[][] rows = new double[200][3];
    for (double[] row : rows) {
      row[0] = random.nextInt(1000);
      row[1] = random.nextInt(1000);
      row[2] = row[0] + row[1];
    }
    assertThat(lines(rows))
        .containsExactly(
            "3 of 3 columns hold whole numbers: spread over [n, n+1)",
            "1 of 3 columns are linear combinations of others (3 of 1, 2): spread as whole numbers, they keep a finite density; leave them out by --columns");
    assertThat(bare(rows).getFirst()).contains("(3 of 1, 2): log p is high without meaning");
  }

  @Test
  void repeatedRowsAreCounted() {
    double[][] rows = rows(100, 2);
    for (int r = 0; r < 10; r++) {
      rows[90 + r] = rows[0].clone();
    }
    assertThat(lines(rows))
        .containsExactly(
            "10 of 100 rows repeat others: parts that share rows make validation and test look better than new rows will");
    assertThat(lines(Arrays.copyOf(rows, 91))).hasSize(1);
    assertThat(lines(Arrays.copyOf(rows, 90))).isEmpty();
  }

  @Test
  void atMostFiveColumnsAreNamed() {
    double[][] rows = rows(300, 20, row -> Arrays.setAll(row, c -> c < 10 ? row[c] : -row[c - 10]));
    assertThat(lines(rows).getFirst())
        .startsWith(
            "10 of 20 columns repeat others up to scale and shift (11 of 1; 12 of 2; 13 of 3; 14 of 4; 15 of 5 and 5 more): ");
  }

  @Test
  void aFileHasTheLinesOfItsRows() throws IOException {
    double[][] rows =
        rows(
            25_000,
            4,
            row -> {
              row[1] = 4;
              row[2] = 3 * row[0];
            });
    rows[24_999][3] = 1e300;
    Path csv = folder.resolve("table.csv");
    Files.writeString(
        csv,
        "a,b,\"c\td\",e\n"
            + Arrays.stream(rows)
                .map(
                    row ->
                        IntStream.range(0, 4)
                            .mapToObj(c -> String.valueOf(row[c]))
                            .collect(Collectors.joining(",")))
                .collect(Collectors.joining("\n")));
    assertThat(
            TableDiagnostics.lines(
                TableSummary.of(csv, TableOptions.DEFAULT), Treatment.DEFAULT, BLAS))
        .containsExactly(
            "1 of 4 columns are constant ('b'): an error in training; leave out by --columns or --drop-constant",
            "1 of 4 columns have values far out ('e'): they get little density and change no other row's",
            "1 of 4 columns repeat others up to scale and shift ('c\td' of 'a'): log p is high without meaning, and only data.noise keeps it finite; leave them out by --columns");
    Path npy = folder.resolve("table.npy");
    try (var out = Files.newOutputStream(npy)) {
      NpyWriter.write(out, Matrix.ofRows(Precision.FLOAT64, rows));
    }
    assertThat(
            TableDiagnostics.lines(
                TableSummary.of(npy, TableOptions.DEFAULT), Treatment.DEFAULT, BLAS))
        .containsExactly(
            "1 of 4 columns are constant (2): an error in training; leave out by --columns or --drop-constant",
            "1 of 4 columns have values far out (4): they get little density and change no other row's",
            "1 of 4 columns repeat others up to scale and shift (3 of 1): log p is high without meaning, and only data.noise keeps it finite; leave them out by --columns");
  }
}
