package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.ebflow.cli.Program.Result;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.NpyWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What {@code train} and {@code eval} say of a run's baselines. */
class BaselinesCommandTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String ADVICE = "no better than the Gaussian and margins: try ";

  @TempDir private Path folder;

  /** Skewed columns, correlated: the copula beats margins and Gaussian. */
  private static double[][] skewed(int count) {
    Random random = new Random(5);
    double[][] rows = new double[count][3];
    for (double[] row : rows) {
      double common = random.nextGaussian();
      Arrays.setAll(row, c -> Math.exp(common + 0.2 * random.nextGaussian()));
    }
    return rows;
  }

  private Path csv() throws IOException {
    return TestRuns.csv(folder.resolve("mine.csv"), "a,b,c", skewed(600));
  }

  private Path run() {
    return folder.resolve("run");
  }

  private Result train(Path data, Object... options) {
    List<Object> call =
        new ArrayList<>(List.of("train", "--data", data, "--threads", 1, "--out", run()));
    call.addAll(List.of(options));
    return Program.succeed(call.toArray());
  }

  private Result loser(Path data) {
    return train(data, "--model", "fc", "--steps", 1);
  }

  private static JsonNode json(Object... call) {
    return JSON.readTree(Program.succeed(call).out());
  }

  private static String line(JsonNode json) {
    return String.format(
        Locale.ROOT,
        "baselines: Gaussian %.4f, margins %.4f, copula %.4f nats",
        json.get("nll_gaussian").asDouble(),
        json.get("nll_margins").asDouble(),
        json.get("nll_copula").asDouble());
  }

  @Test
  void trainAndEvalPrintTheSameBesideTheModels() throws IOException {
    Result trained = loser(csv());
    JsonNode json = json("eval", run(), "--json");
    assertThat(json.get("nll_copula").asDouble()).isLessThan(json.get("nll_margins").asDouble());
    assertThat(json.get("nll_copula").asDouble()).isLessThan(json.get("nll_gaussian").asDouble());
    assertThat(trained.out().lines().toList().get(0)).startsWith("test NLL ");
    assertThat(trained.out().lines().toList().get(1)).isEqualTo(line(json));
    Result evaluated = Program.succeed("eval", run());
    assertThat(evaluated.out().lines())
        .containsExactlyElementsOf(trained.out().lines().limit(2).toList());
    assertThat(run().resolve("baselines")).isDirectoryContaining("glob:**.safetensors");
    assertThat(run().resolve("run.log")).content().contains("fitted the baselines in ");
  }

  @Test
  void theyAreOfTheRowsThatAreEvaluated() throws IOException {
    Path data = csv();
    loser(data);
    JsonNode all = json("eval", run(), "--json", "--data", data);
    double sum = 0;
    for (String split : List.of("train", "val", "test")) {
      JsonNode part = json("eval", run(), "--json", "--split", split);
      sum += part.get("n").asInt() * part.get("nll_gaussian").asDouble();
    }
    assertThat(all.get("nll_gaussian").asDouble()).isCloseTo(sum / 600, within(1e-9));
    JsonNode exact = json("eval", run(), "--json", "--data", data, "--precision", "f64");
    assertThat(exact.get("nll_copula")).isEqualTo(all.get("nll_copula"));
  }

  @Test
  void arraysHaveThoseOfTables() throws IOException {
    loser(csv());
    JsonNode table = json("eval", run(), "--json");
    Path array = folder.resolve("mine.npy");
    NpyWriter.write(array, Matrix.ofRows(Precision.FLOAT64, skewed(600)));
    Path other = folder.resolve("other");
    Program.succeed(
        "train", "--data", array, "--threads", 1, "--model", "fc", "--steps", 1, "--out", other);
    JsonNode found = json("eval", other, "--json");
    for (String key : List.of("nll_gaussian", "nll_margins", "nll_copula")) {
      assertThat(found.get(key)).as(key).isEqualTo(table.get(key));
    }
  }

  @Test
  void aModelThatLosesSaysSoAndWhatToTry() throws IOException {
    String expected =
        ADVICE
            + "--set model.init=whitening, or more steps, or the default for tables, --data without --model and --loss";
    assertThat(loser(csv()).err().lines()).contains(expected);
    assertThat(Program.succeed("eval", run()).err().lines()).contains(expected);
    Result json = Program.succeed("eval", run(), "--json");
    assertThat(json.err().lines()).contains(expected);
    assertThat(json.out().lines()).hasSize(1);
  }

  @Test
  void aModelThatWinsDoesNot() throws IOException {
    Result trained = train(csv(), "--steps", 20); // starts as the copula
    assertThat(trained.out()).contains("baselines: Gaussian ");
    assertThat(trained.err()).doesNotContain("no better than");
    assertThat(Program.succeed("eval", run()).err()).doesNotContain("no better than");
  }

  @Test
  void severalSeedsNameThoseThatLose() throws IOException {
    Result trained = train(csv(), "--model", "fc", "--steps", 1, "--seeds", 2, "--seed", 3);
    assertThat(trained.err()).contains("seed 3: " + ADVICE, "seed 4: " + ADVICE);
  }

  @Test
  void aRunWithoutThemIsEvaluatedWithoutThem() throws IOException {
    loser(csv());
    for (String name : List.of("gaussian", "margins", "copula")) {
      Files.delete(run().resolve("baselines").resolve(name + ".safetensors"));
    }
    Files.delete(run().resolve("baselines"));
    Result evaluated = Program.succeed("eval", run());
    assertThat(evaluated.out().lines()).hasSize(1);
    assertThat(evaluated.err()).doesNotContain("no better than");
    JsonNode json = json("eval", run(), "--json");
    for (String key : List.of("nll_gaussian", "nll_margins", "nll_copula")) {
      assertThat(json.get(key).isNull()).as(key).isTrue();
    }
    assertThat(train(run())).contains("test NLL").doesNotContain("baselines");
  }

  private static String train(Path run) {
    return Program.succeed("train", "--resume", run, "--steps", 2, "--threads", 1).out();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gaussian", "margins", "copula"})
  void aDamagedOneIsNamed(String name) throws IOException {
    loser(csv());
    Path file = run().resolve("baselines").resolve(name + ".safetensors");
    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 100));
    Program.refuse(file.toString(), "eval", run());
  }

  /** Far out a Gaussian has density zero in floating point; the other rows count. */
  @Test
  void rowsOfDensityZeroAreCounted() throws IOException {
    loser(csv());
    double[][] rows = skewed(4);
    rows[2][1] = 1e300;
    Path far = TestRuns.csv(folder.resolve("far.csv"), "a,b,c", rows);
    assertThat(Program.succeed("eval", run(), "--data", far).out())
        .containsPattern("Gaussian [-.0-9]+ over 3 of 4 rows, margins");
  }
}
