package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.ebflow.cli.Program.Result;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code eval --ood}: how well scores tell other data from those of the run. */
class OodCommandTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final List<String> SCORES =
      List.of("log_prob", "latent_norm", "typicality", "gradient_norm");

  @TempDir static Path runs;
  @TempDir Path folder;

  @BeforeAll
  static void train() throws IOException {
    Path data = TestRuns.csv(runs.resolve("data.csv"), "a,b", TestRuns.rows(200, 2, 1));
    for (String model : List.of("fc", "coupling")) {
      Program.succeed(
          "train",
          "--data",
          data,
          "--model",
          model,
          "--loss",
          "ssm",
          "--steps",
          5,
          "--out",
          runs.resolve(model));
    }
  }

  /** Rows wider than those of the run, so that some are told from them and some are not. */
  private static double[][] others() {
    double[][] rows = TestRuns.rows(60, 2, 7);
    for (double[] row : rows) {
      row[0] = 1.5 * row[0] + 1;
    }
    return rows;
  }

  private static double auroc(double[] negatives, double[] positives) {
    double pairs = 0;
    for (double positive : positives) {
      for (double negative : negatives) {
        pairs += positive > negative ? 1 : positive == negative ? .5 : 0;
      }
    }
    return pairs / (negatives.length * positives.length);
  }

  private static JsonNode ood(Object... arguments) {
    return JSON.readTree(Program.succeed(arguments).out()).path("ood");
  }

  @ParameterizedTest
  @ValueSource(strings = {"fc", "coupling"})
  void figuresAreThoseOfTheTestRowsAgainstAllRowsOfTheFile(String name) throws IOException {
    Path run = runs.resolve(name);
    Path csv = TestRuns.csv(folder.resolve("others.csv"), "b,a", swapped(others()));
    JsonNode json = ood("eval", run, "--ood", csv, "--json");
    TrainedFlow model = TrainedFlow.load(run);
    Splits splits = Recipe.ofRun(run).load(DataSources.in(null));
    double[] own = logProb(model, splits.test());
    double[] other = model.logProb(others());
    double mean = Arrays.stream(logProb(model, splits.train())).average().orElseThrow();
    assertThat(json.path("negatives").asInt()).isEqualTo(own.length);
    assertThat(json.path("positives").asInt()).isEqualTo(60);
    assertThat(json.at("/log_prob/auroc").asDouble())
        .isCloseTo(auroc(negative(own), negative(other)), within(1e-12));
    assertThat(json.at("/typicality/auroc").asDouble())
        .isCloseTo(auroc(distances(own, mean), distances(other, mean)), within(1e-12));
    try (Scorer scorer = new Scorer(model, Blas.auto(), 1)) {
      Dataset odd = Dataset.of(others());
      assertThat(json.at("/latent_norm/auroc").asDouble())
          .isCloseTo(
              auroc(scorer.score(splits.test()).latentNorm(), scorer.score(odd).latentNorm()),
              within(1e-12));
      assertThat(json.at("/gradient_norm/auroc").asDouble())
          .isCloseTo(
              auroc(scorer.gradientNorm(splits.test()), scorer.gradientNorm(odd)), within(1e-12));
    }
    for (String score : SCORES) {
      for (String figure : List.of("auroc", "aupr")) {
        double value = json.path(score).path(figure).asDouble();
        assertThat(value)
            .isBetween(
                json.path(score).path(figure + "_low").asDouble(),
                json.path(score).path(figure + "_high").asDouble());
      }
    }
    assertThat(ood("eval", run, "--ood", csv, "--json")).isEqualTo(json);
  }

  private static double[][] swapped(double[][] rows) {
    return Arrays.stream(rows).map(row -> new double[] {row[1], row[0]}).toArray(double[][]::new);
  }

  private static double[] logProb(TrainedFlow model, Dataset rows) {
    double[][] all = new double[rows.size()][];
    for (int r = 0; r < all.length; r++) {
      all[r] = rows.row(r);
    }
    return model.logProb(all);
  }

  private static double[] negative(double[] values) {
    return Arrays.stream(values).map(value -> -value).toArray();
  }

  private static double[] distances(double[] values, double mean) {
    return Arrays.stream(values).map(value -> Math.abs(value - mean)).toArray();
  }

  @Test
  void theTableHasTheFiguresOfTheJsonAndOptionsAreOfTheFile() throws IOException {
    Path run = runs.resolve("fc");
    Path npy = folder.resolve("others.npy");
    NpyWriter.write(npy, Matrix.ofRows(Precision.FLOAT64, others()));
    StringBuilder text = new StringBuilder("extra;a;b\n");
    for (double[] row : others()) {
      text.append("7;" + row[0] + ";" + row[1] + "\n");
    }
    Path csv = Files.writeString(folder.resolve("others.csv"), text + ";NaN;1\n");
    Object[] ofCsv = {
      "eval", run, "--ood", csv, "--separator", "semicolon", "--drop", "extra", "--drop-nonfinite"
    };
    JsonNode json = ood("eval", run, "--ood", npy, "--json");
    Object[] asJson = Arrays.copyOf(ofCsv, ofCsv.length + 1);
    asJson[ofCsv.length] = "--json";
    for (String score : SCORES) {
      assertThat(ood(asJson).path(score)).isEqualTo(json.path(score));
    }
    Result result = Program.succeed(ofCsv);
    assertThat(result.out())
        .contains("60 rows of others.csv, the positives (75.0 %), against 20 of test:");
    for (String score : SCORES) {
      JsonNode figures = json.path(score);
      assertThat(result.out().lines().filter(line -> line.startsWith(score)).findFirst())
          .hasValueSatisfying(
              line ->
                  assertThat(line.split("[\\s,\\[\\]]+"))
                      .containsExactly(
                          score,
                          "%.4f".formatted(figures.path("auroc").asDouble()),
                          "%.4f".formatted(figures.path("auroc_low").asDouble()),
                          "%.4f".formatted(figures.path("auroc_high").asDouble()),
                          "%.4f".formatted(figures.path("aupr").asDouble()),
                          "%.4f".formatted(figures.path("aupr_low").asDouble()),
                          "%.4f".formatted(figures.path("aupr_high").asDouble())));
    }
  }

  @Test
  void aDataSetByNameAndOtherInliersAreCompared() throws IOException {
    Path own = TestRuns.csv(folder.resolve("own.csv"), "a,b", TestRuns.rows(30, 2, 8));
    JsonNode json = ood("eval", runs.resolve("fc"), "--data", own, "--ood", "sine", "--json");
    assertThat(json.path("data").asString()).isEqualTo("sine");
    assertThat(json.path("negatives").asInt()).isEqualTo(30);
    assertThat(json.path("positives").asInt()).isEqualTo(10_000); // of the set's test rows
  }

  @Test
  void rowsOfAnotherLengthAreRefusedInOneLine() throws IOException {
    Path csv = TestRuns.csv(folder.resolve("wide.csv"), "", TestRuns.rows(4, 3, 1));
    Program.refuse(
        "wide.csv [4,3]: expected rows of 2 values, as the model has, found 3",
        "eval",
        runs.resolve("fc"),
        "--ood",
        csv);
    Program.refuse("multimodal10 [", "eval", runs.resolve("fc"), "--ood", "multimodal10");
  }
}
