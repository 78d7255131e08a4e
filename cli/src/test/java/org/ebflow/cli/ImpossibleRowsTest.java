package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ebflow.cli.Program.Result;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.Splits;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Rows of density zero, from training to scores, as the command tells of them. */
class ImpossibleRowsTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int ROWS = 200;

  @TempDir static Path runs;

  @TempDir Path folder;

  /** A run of fc, one of coupling and one of spline on the same clean table. */
  @BeforeAll
  static void train() throws IOException {
    Path data = TestRuns.csv(runs.resolve("data.csv"), "height,weight", TestRuns.rows(ROWS, 2, 1));
    for (String model : List.of("fc", "coupling", "spline")) {
      Result result =
          Program.run(
              "train",
              "--data",
              data,
              "--model",
              model,
              "--loss",
              "ssm",
              "--set",
              "data.preprocessing.type=standardize", // margins leave no row impossible
              "--set",
              "model.init=" + (model.equals("spline") ? "identity" : "published"),
              "--steps",
              4,
              "--out",
              runs.resolve(model));
      assertThat(result.exit()).as(result.err()).isZero();
    }
  }

  /** The clean rows with others among them. */
  private static double[][] with(double[]... far) {
    double[][] rows = Arrays.copyOf(TestRuns.rows(30, 2, 5), 30 + far.length);
    for (int i = 0; i < far.length; i++) {
      rows[30 + i] = rows[10 + i];
      rows[10 + i] = far[i];
    }
    return rows;
  }

  private Path table(String ending, double[][] rows) throws IOException {
    Path file = folder.resolve("in" + ending);
    if (ending.equals(".npy")) {
      NpyWriter.write(file, Matrix.ofRows(Precision.FLOAT64, rows));
      return file;
    }
    return TestRuns.csv(file, "height,weight", rows);
  }

  @ParameterizedTest
  @CsvSource({
    "fc,.csv,f32",
    "fc,.npy,f64",
    "coupling,.csv,f64",
    "coupling,.npy,f32",
    "coupling,.csv.gz,f32"
  })
  void evalCountsAndNamesThemAndTellsTheNllOfTheOthers(
      String model, String ending, String precision) throws IOException {
    double[][] mixed = with(new double[] {4, 1e250}, new double[] {-1.5e300, 2});
    Path clean = TestRuns.csv(folder.resolve("clean.csv"), "height,weight", without(mixed));
    Path table = table(ending, mixed);
    Path run = runs.resolve(model);

    JsonNode others =
        JSON.readTree(
            Program.run("eval", run, "--data", clean, "--json", "--precision", precision).out());
    Result result = Program.run("eval", run, "--data", table, "--json", "--precision", precision);
    assertThat(result.exit()).isZero();
    JsonNode json = JSON.readTree(result.out());
    assertThat(json.get("impossible").asInt()).isEqualTo(2);
    assertThat(others.get("impossible").asInt()).isZero();
    assertThat(json.get("n").asInt()).isEqualTo(32);
    for (String same : List.of("nll", "bpd", "nll_se", "log_z")) {
      assertThat(json.get(same)).as(same).isEqualTo(others.get(same));
    }
    assertThat(Program.run("eval", run, "--data", table, "--precision", precision).out())
        .contains(
            "over 30 of 32 rows; 2 rows have density zero, the first: row 11, column weight = 1.0E250")
        .doesNotContain("NaN");
  }

  private static double[][] without(double[][] rows) {
    return Arrays.stream(rows)
        .filter(row -> Math.abs(row[0]) < 1e100 && Math.abs(row[1]) < 1e100)
        .toArray(double[][]::new);
  }

  @ParameterizedTest
  @ValueSource(strings = {"fc", "coupling", "spline"})
  void withNoOtherRowTheNllIsNull(String model) throws IOException {
    Path table = table(".csv", new double[][] {{1e250, 0}, {0, -1e299}, {1e300, 1e300}});
    Result result = Program.run("eval", runs.resolve(model), "--data", table, "--json");
    assertThat(result.exit()).isZero();
    JsonNode json = JSON.readTree(result.out());
    assertThat(json.get("impossible").asInt()).isEqualTo(3);
    assertThat(json.get("n").asInt()).isEqualTo(3);
    for (String none : List.of("nll", "bpd", "nll_se")) {
      assertThat(json.get(none).isNull()).as(none).isTrue();
    }
    assertThat(Program.run("eval", runs.resolve(model), "--data", table).out())
        .startsWith("all NLL Infinity")
        .contains("over 0 of 3 rows; 3 rows have density zero, the first: row 1, column height");
  }

  @ParameterizedTest
  @CsvSource({
    "coupling,f32",
    "coupling,f64",
    "coupling,bf16",
    "fc,f32",
    "fc,f64",
    "fc,bf16",
    "spline,f32",
    "spline,f64"
  })
  void sentinelsHaveANumberOrDensityZeroAndPercentileZero(String model, String precision)
      throws IOException {
    Program.assumeProducts(precision);
    double[][] rows = {{-999, 4}, {3, 9999}, {-99999, 99999}, {1e38, 0}, {-1e39, 1e39}, {1e308, 5}};
    Path out = folder.resolve("out.csv");
    Result result =
        Program.run(
            "score",
            runs.resolve(model),
            table(".csv", rows),
            "--out",
            out,
            "--precision",
            precision);
    assertThat(result.exit()).as(result.err()).isZero();
    List<String> lines = Files.readAllLines(out);
    assertThat(lines).hasSize(1 + rows.length);
    long impossible = 0;
    for (String line : lines.subList(1, lines.size())) {
      double[] cells = Arrays.stream(line.split(",")).mapToDouble(Double::parseDouble).toArray();
      assertThat(cells[5]).as(line).isZero();
      if (Double.isInfinite(cells[1])) {
        impossible++;
        assertThat(line).contains(",-Infinity,Infinity,Infinity,Infinity,0.0");
      } else {
        assertThat(line).doesNotContain("NaN", "Infinity");
        assertThat(cells[1]).isLessThan(-50);
      }
    }
    assertThat(impossible).isPositive();
    assertThat(result.err()).contains(", " + impossible + " with density zero (");
  }

  private static boolean contains(Dataset part, int row) {
    return IntStream.range(0, part.size()).anyMatch(r -> part.number(r) == row);
  }

  @ParameterizedTest
  @ValueSource(strings = {"validation", "test"})
  void oneInAPartThatIsNotTrainedOnCostsNoTraining(String part) throws IOException {
    double[][] rows = TestRuns.rows(ROWS, 2, 1);
    rows[16][1] = 1e140;
    Path data = TestRuns.csv(folder.resolve("data.csv"), "height,weight", rows);
    int seed = 0;
    Splits splits = Dataset.of(rows).split(.8, .1, .1, seed);
    while (!contains(part.equals("test") ? splits.test() : splits.validation(), 17)) {
      splits = Dataset.of(rows).split(.8, .1, .1, ++seed);
    }
    Path run = folder.resolve("run");
    Result result =
        Program.run(
            "train", "--data", data, "--model", "fc", "--steps", 2, "--seed", seed, "--out", run);
    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out() + result.err()).doesNotContain("NaN");
    assertThat(part.equals("test") ? result.out() : result.err())
        .contains("over 19 of 20 rows; 1 row has density zero: row 17, column weight = 1.0E140");
    JsonNode json = JSON.readTree(Program.run("eval", run, "--json").out());
    assertThat(json.get("impossible").asInt()).isEqualTo(part.equals("test") ? 1 : 0);
    assertThat(json.get("nll").isNumber()).isTrue();
  }
}
