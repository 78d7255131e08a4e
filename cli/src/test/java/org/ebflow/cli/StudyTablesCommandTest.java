package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.ebflow.cli.Program.Result;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.NpyWriter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class StudyTablesCommandTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir private Path folder;
  private Path tables;
  private Path study;

  @BeforeEach
  void writeTables() throws IOException {
    tables = Files.createDirectory(folder.resolve("tables"));
    study = folder.resolve("study");
    TestRuns.csv(tables.resolve("first-train.csv.gz"), "a,b,c", TestRuns.rows(200, 3, 1));
    TestRuns.csv(tables.resolve("first-test.csv"), "c,a,b", permuted(TestRuns.rows(90, 3, 2)));
    double[][] odd = TestRuns.rows(40, 3, 3);
    for (double[] row : odd) {
      row[0] += 2.5;
    }
    TestRuns.csv(tables.resolve("first-anomalies.csv.gz"), "a,b,c", odd);
    npy("second-train.npy", TestRuns.rows(150, 2, 4));
    npy("second-test.npy", TestRuns.rows(60, 2, 5));
    TestRuns.csv(tables.resolve("third-train.csv"), "a,b", TestRuns.rows(60, 2, 6)); // no test
    Files.writeString(tables.resolve("README.md"), "what they are");
  }

  private static double[][] permuted(double[][] rows) {
    return Arrays.stream(rows)
        .map(row -> new double[] {row[2], row[0], row[1]})
        .toArray(double[][]::new);
  }

  private void npy(String name, double[][] rows) throws IOException {
    NpyWriter.write(tables.resolve(name), Matrix.ofRows(Precision.FLOAT64, rows));
  }

  private Result study(Object... names) {
    Object[] call = {
      "study",
      "tables",
      "--tables",
      tables,
      "--seeds",
      2,
      "--steps",
      5,
      "--threads",
      1,
      "--out",
      study
    };
    Object[] all = Arrays.copyOf(call, call.length + names.length);
    System.arraycopy(names, 0, all, call.length, names.length);
    return Program.succeed(all);
  }

  private List<String[]> csv() throws IOException {
    return Files.readAllLines(study.resolve("tables.csv")).stream()
        .map(line -> line.split(",", -1))
        .toList();
  }

  @Test
  void valuesAreThoseOfTheSingleRuns() throws IOException {
    Result result = study();
    assertThat(result.err())
        .contains("first: trained by exact likelihood: with 3 columns")
        .contains("4 runs, 2 recipes with 2 seeds each, into " + study);
    List<String[]> rows = csv();
    assertThat(rows).hasSize(5);
    assertThat(rows.get(1)).startsWith("first", "200", "3", "1");
    assertThat(rows.get(4)).startsWith("second", "150", "2", "2");
    for (String[] row : rows.subList(1, 5)) {
      Path run = study.resolve(row[0]).resolve("seed-" + row[3]);
      JsonNode test = JSON.readTree(Program.succeed("eval", run, "--json").out());
      List<String> keys = List.of("nll_gaussian", "nll_margins", "nll_copula");
      for (int k = 0; k < 3; k++) {
        assertThat(Double.parseDouble(row[4 + k]))
            .isCloseTo(test.get(keys.get(k)).asDouble(), within(1e-12));
      }
      assertThat(Double.parseDouble(row[8])).isCloseTo(test.get("nll").asDouble(), within(1e-12));
      assertThat(test.get("n").asInt()).isEqualTo(row[0].equals("first") ? 90 : 60);
    }

    Path single = folder.resolve("single");
    Program.succeed(
        "train",
        "--data",
        tables.resolve("first-train.csv.gz"),
        "--test",
        tables.resolve("first-test.csv"),
        "--steps",
        5,
        "--seed",
        2,
        "--threads",
        1,
        "--out",
        single);
    assertThat(study.resolve("first/seed-2/model.safetensors"))
        .hasSameBinaryContentAs(single.resolve("model.safetensors"));

    assertThat(result.out().lines().map(line -> line.replaceAll(" +", " ")))
        .anyMatch(line -> line.startsWith(printed(rows, 1, "first 200 × 3")))
        .anyMatch(line -> line.startsWith(printed(rows, 3, "second 150 × 2")))
        .noneMatch(line -> line.startsWith("third"));
  }

  /** Mean log p of baselines and model, and its deviation, as printed. */
  private static String printed(List<String[]> rows, int first, String name) {
    StringBuilder line = new StringBuilder(name);
    for (int column : new int[] {4, 5, 6, 8}) {
      double mean = 0;
      for (int r = first; r < first + 2; r++) {
        mean -= Double.parseDouble(rows.get(r)[column]) / 2;
      }
      line.append(String.format(Locale.ROOT, " %.2f", mean));
    }
    double difference =
        Double.parseDouble(rows.get(first)[8]) - Double.parseDouble(rows.get(first + 1)[8]);
    return line.append(String.format(Locale.ROOT, " %.2f ", Math.abs(difference) / Math.sqrt(2)))
        .toString();
  }

  @Test
  void anomaliesHaveTheAurocOfTheirScores() throws IOException {
    Result result = study("first");
    List<String[]> rows = csv();
    assertThat(rows).hasSize(3);
    double[] means = new double[2];
    for (String[] row : rows.subList(1, 3)) {
      Path run = study.resolve("first/seed-" + row[3]);
      double[][] inliers = scores(run, tables.resolve("first-test.csv"));
      double[][] outliers = scores(run, tables.resolve("first-anomalies.csv.gz"));
      for (int s = 0; s < 2; s++) {
        double higher = 0;
        for (double[] outlier : outliers) {
          for (double[] inlier : inliers) {
            int order = Double.compare(outlier[s], inlier[s]);
            higher += order > 0 ? 1 : order == 0 ? .5 : 0;
          }
        }
        double auroc = higher / (inliers.length * outliers.length);
        assertThat(auroc).isBetween(.55, .999); // there is something to be found
        assertThat(Double.parseDouble(row[10 + s])).isCloseTo(auroc, within(1e-9));
        means[s] += auroc / 2;
      }
    }
    assertThat(result.out())
        .containsPattern(
            "(?m)^first .*"
                + String.format(Locale.ROOT, " %.3f +%.3f$", means[0], means[1])
                    .replace(".", "\\."));
    study();
    assertThat(csv().get(3)).endsWith("", "");
  }

  /** -log p and latent norm of every row of a file. */
  private double[][] scores(Path run, Path file) throws IOException {
    Path out = folder.resolve("scores.csv");
    Files.deleteIfExists(out);
    Program.succeed("score", run, file, "--out", out);
    List<String> lines = Files.readAllLines(out);
    List<String> header = List.of(lines.get(0).split(","));
    int logProb = header.indexOf("log_prob");
    int norm = header.indexOf("latent_norm");
    return lines.stream()
        .skip(1)
        .map(line -> line.split(","))
        .map(
            cells ->
                new double[] {-Double.parseDouble(cells[logProb]), Double.parseDouble(cells[norm])})
        .toArray(double[][]::new);
  }

  @Test
  void whatIsDoneIsNotRepeated() throws IOException {
    String out = study("second").out();
    String log = Files.readString(study.resolve("second/seed-1/run.log"));
    Result all = study();
    assertThat(all.err())
        .contains("4 runs, 2 recipes with 2 seeds each, 2 done before")
        .doesNotContain("second, seed");
    assertThat(study.resolve("second/seed-1/run.log")).content().isEqualTo(log);
    String line = out.lines().filter(row -> row.startsWith("second")).findFirst().orElseThrow();
    assertThat(all.out().lines().map(row -> row.replaceAll(" +", " ").strip()))
        .contains(line.replaceAll(" +", " ").strip());
  }

  @Test
  void wrongUseIsOneLine() throws IOException {
    refuse("third-train and third-test, found first, second", "--tables", tables, "third");
    Path empty = Files.createDirectory(folder.resolve("empty"));
    refuse(
        "expected NAME-train.csv and NAME-test.csv, or .npy, found no such pair",
        "--tables",
        empty);
    refuse("expected a folder of tables, found nothing", "--tables", folder.resolve("nowhere"));
    refuse("expected a folder of tables, found a file", "--tables", tables.resolve("README.md"));
    TestRuns.csv(tables.resolve("second-test.csv"), "", TestRuns.rows(60, 2, 5));
    refuse(
        "second-test.npy: expected one file of this part, found second-test.csv",
        "--tables",
        tables);
    Files.delete(tables.resolve("second-test.csv"));
    npy("second-test.npy", TestRuns.rows(60, 3, 5));
    refuse("second-test.npy: expected rows of 2 values", "--tables", tables);
    npy("second-test.npy", TestRuns.rows(60, 2, 5));
    npy("second-anomalies.npy", TestRuns.rows(60, 3, 5));
    refuse("second-anomalies.npy: expected rows of 2 values", "--tables", tables);
    Files.delete(tables.resolve("second-anomalies.npy"));
    Files.delete(tables.resolve("first-anomalies.csv.gz"));
    TestRuns.csv(tables.resolve("first-anomalies.csv"), "a,b", TestRuns.rows(60, 2, 5));
    refuse("first-anomalies.csv: expected a column c, found a, b", "--tables", tables);
  }

  private void refuse(String message, Object... options) {
    Object[] call =
        Arrays.copyOf(new Object[] {"study", "tables", "--out", study}, 4 + options.length);
    System.arraycopy(options, 0, call, 4, options.length);
    Result result = Program.run(call);
    assertThat(result.exit()).as(result.err()).isEqualTo(2);
    assertThat(result.err()).contains(message).doesNotContain("\tat ");
    assertThat(study).as("nothing is trained").doesNotExist();
  }
}
