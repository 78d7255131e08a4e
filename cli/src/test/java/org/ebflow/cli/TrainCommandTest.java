package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ebflow.cli.Program.Result;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class TrainCommandTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;

  private Path table(String name, int rows) throws IOException {
    return TestRuns.csv(folder.resolve(name), "a,b,c", TestRuns.rows(rows, 3, 1));
  }

  @Test
  void aTableIsTrainedEvaluatedAndDescribed() throws IOException {
    Path run = folder.resolve("run");
    Result trained =
        Program.succeed(
            "train",
            "--model",
            "fc",
            "--data",
            table("mine.csv", 400),
            "--epochs",
            2,
            "--seed",
            3,
            "--out",
            run,
            "--threads",
            1);

    assertThat(trained.out()).contains("test NLL").contains("model.safetensors");
    assertThat(trained.err())
        .contains("training table-fc-ssm on mine.csv [320,3]")
        .contains("validation NLL");
    assertThat(run.resolve("config.json"))
        .content()
        .contains("\"sha256\"")
        .contains("table-fc-ssm")
        .contains("mine.csv");
    assertThat(run.resolve("plots/loss.png")).exists();

    Result evaluated = Program.run("eval", run, "--json");
    JsonNode json = JSON.readTree(evaluated.out());
    assertThat(evaluated.out().lines()).hasSize(1);
    assertThat(json.propertyNames())
        .containsExactly(
            "nll",
            "bpd",
            "nll_se",
            "log_z",
            "n",
            "split",
            "impossible",
            "nll_gaussian",
            "nll_margins",
            "nll_copula");
    assertThat(json.get("n").asInt()).isEqualTo(40);
    assertThat(json.get("split").asString()).isEqualTo("test");
    assertThat(json.get("bpd").asDouble())
        .isEqualTo(json.get("nll").asDouble() / (3 * Math.log(2)));
    assertThat(Program.run("eval", run, "--split", "train").out())
        .startsWith("train NLL")
        .contains("nats")
        .contains("bits/dim");

    Result info = Program.run("info", run);
    assertThat(info.out())
        .contains("weights")
        .contains("24")
        .contains("log_z")
        .contains("condition_numbers")
        .contains("git_commit")
        .containsPattern("(?m)^ +version +");
    assertThat(JSON.readTree(Program.run("info", run, "--json").out()).get("weights").asInt())
        .isEqualTo(24);
    assertThat(Program.run("gradcheck", run).exit()).isZero();
  }

  @Test
  void aTableInThePlaceOfARecipeIsPointedToItsOption() throws IOException {
    Path data = table("mine.csv", 20);
    Result result = Program.run("train", data, "--out", folder.resolve("run"));
    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("a table is named by --data " + data);
  }

  @Test
  void evalRefusesTheRunsDataWhenTheyHaveChanged() throws IOException {
    Path run = folder.resolve("run");
    Path data = table("mine.csv", 200);
    Program.succeed("train", "--model", "fc", "--data", data, "--epochs", 1, "--out", run);
    assertThat(Program.run("eval", run).exit()).isZero();
    table("mine.csv", 210);
    assertThat(Program.run("eval", run))
        .matches(
            result ->
                result.exit() == 2
                    && result.err().contains("expected the data of the run, SHA-256"));
    assertThat(Program.run("eval", run, "--data", data).out()).contains("210 rows");
  }

  @Test
  void evalTakesATableByTheNamesOfItsColumns() throws IOException {
    Path run = folder.resolve("run");
    Program.succeed(
        "train",
        "--model",
        "fc",
        "--data",
        table("mine.csv", 200),
        "--columns",
        "c,a",
        "--epochs",
        1,
        "--out",
        run);

    assertThat(Program.run("eval", run, "--data", table("other.csv", 50)).out())
        .startsWith("all NLL")
        .contains("50 rows");
    Path lacking = TestRuns.csv(folder.resolve("lacking.csv"), "a,b", TestRuns.rows(9, 2, 1));
    assertThat(Program.run("eval", run, "--data", lacking))
        .matches(result -> result.exit() == 2 && result.err().contains("lacking.csv"));
    assertThat(Program.run("eval", run, "--data", "gaussians", "--data-dir", folder).exit())
        .isZero(); // two columns too
    assertThat(Program.run("eval", run, "--data", "multimodal10"))
        .matches(
            result ->
                result.exit() == 2
                    && result
                        .err()
                        .contains("expected rows of 2 values, as the model has, found 10"));
  }

  @Test
  void aResumedRunEndsWithTheSameBits() throws IOException {
    Path data = table("mine.csv", 400);
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");
    Program.succeed(
        "train", "--model", "fc", "--data", data, "--epochs", 4, "--out", whole, "--threads", 1);
    Program.succeed(
        "train", "--model", "fc", "--data", data, "--epochs", 2, "--out", parts, "--threads", 1);
    Result resumed = Program.succeed("train", "--resume", parts, "--epochs", 4, "--threads", 1);

    assertThat(resumed.err()).contains("resuming table-fc-ssm");
    assertThat(Program.succeed("train", "--resume", parts, "--threads", 1).err())
        .as("the new length is recorded")
        .contains("16 steps, 4 per epoch");
    assertThat(Files.readAllBytes(parts.resolve("model.safetensors")))
        .isEqualTo(Files.readAllBytes(whole.resolve("model.safetensors")));
  }

  @Test
  void aResumedRunRefusesOtherData() throws IOException {
    Path data = table("mine.csv", 200);
    Path run = folder.resolve("run");
    Program.succeed("train", "--model", "fc", "--data", data, "--epochs", 1, "--out", run);
    TestRuns.csv(data, "a,b,c", TestRuns.rows(200, 3, 2));
    Result resumed = Program.run("train", "--resume", run, "--epochs", 2);

    assertThat(resumed.exit()).isEqualTo(2);
    assertThat(resumed.err())
        .contains("mine.csv: expected the data of the run")
        .contains("SHA-256");
  }

  @Test
  void aRunIsNotOverwritten() throws IOException {
    Path run = folder.resolve("run");
    Path data = table("mine.csv", 100);
    Program.succeed("train", "--model", "fc", "--data", data, "--epochs", 1, "--out", run);
    Result again = Program.run("train", "--model", "fc", "--data", data, "--out", run);

    assertThat(again.exit()).isEqualTo(2);
    assertThat(again.err()).contains("holds a run already").contains("--resume");
  }

  @Test
  void rowsThatAreNotFiniteAreNamedOrDropped() throws IOException {
    double[][] rows = TestRuns.rows(100, 3, 1);
    rows[6][1] = Double.NaN;
    rows[9][0] = Double.POSITIVE_INFINITY;
    Path data = TestRuns.csv(folder.resolve("holes.csv"), "a,b,c", rows);
    Result refused =
        Program.run(
            "train",
            "--model",
            "fc",
            "--data",
            data,
            "--epochs",
            1,
            "--out",
            folder.resolve("none"));
    Path run = folder.resolve("run");
    Result dropped =
        Program.succeed(
            "train",
            "--model",
            "fc",
            "--data",
            data,
            "--epochs",
            1,
            "--drop-nonfinite",
            "--out",
            run);

    assertThat(refused.exit()).isEqualTo(2);
    assertThat(refused.err()).contains("holes.csv: row 7");
    assertThat(folder.resolve("none")).doesNotExist();
    assertThat(dropped.err()).contains("warning: ").contains("dropped 2 of 100 rows");
    assertThat(Program.run("eval", run).exit()).isZero();
  }

  @Test
  void brokenTablesAreRefusedBeforeAnythingIsWritten() throws IOException {
    for (List<String> bad :
        List.of(
            List.of("text.csv", "a,b\n1,2\n3,x\n"),
            List.of("ragged.csv", "a,b\n1,2\n3\n"),
            List.of("empty.csv", ""),
            List.of("constant.csv", "a,b\n" + "1,2\n".repeat(50)),
            List.of("huge.csv", "a,b\n" + "1e308,2\n-1e308,1\n".repeat(50)),
            List.of("twice.csv", "a,a\n" + "1,2\n2,1\n".repeat(50)),
            List.of("latin.csv", "gr\uFFFD\uFFFDe,b\n" + "1,2\n2,1\n".repeat(50)),
            List.of("short.csv", "a,b\n1,2\n"),
            List.of("header.csv", "a,b\n"),
            List.of("quote.csv", "a,b\n1,2\n\"3,4\n"),
            List.of("page.csv", "<html>\n<p>404</p>\n"),
            List.of("foreign.csv.gz", "a,b\n1,\n"),
            List.of("foreign.npy", "no array"),
            List.of("table.xls", "a,b\n1,2\n"))) {
      Path file = Files.writeString(folder.resolve(bad.getFirst()), bad.getLast());
      Path run = folder.resolve("run-" + bad.getFirst());
      Result result = Program.run("train", "--model", "fc", "--data", file, "--out", run);

      assertThat(result.exit()).as(bad.getFirst()).isEqualTo(2);
      assertThat(result.err()).contains(bad.getFirst()).doesNotContain("\tat ");
      assertThat(run).as(bad.getFirst()).doesNotExist();
    }
  }

  @Test
  void aFolderThatCanNotBeWrittenIsOneLine() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    Result result =
        Program.run(
            "train",
            "--model",
            "fc",
            "--data",
            table("mine.csv", 100),
            "--out",
            file.resolve("run"));

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains(file.toString()).doesNotContain("\tat ");
  }

  @Test
  void aLossThatExplodesEndsTheRunWithTheCheckpointNamed() throws IOException {
    Result result =
        Program.run(
            "train",
            "--model",
            "fc",
            "--data",
            table("mine.csv", 400),
            "--lr",
            "1e38",
            "--epochs",
            200,
            "--out",
            folder.resolve("run"));

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err()).contains("last good checkpoint").contains("learning rate");
  }

  @Test
  void aTableIsTrainedByExactLikelihoodWhereItsColumnsAreFew() throws IOException {
    Path run = folder.resolve("run");
    Result few =
        Program.succeed("train", "--data", table("mine.csv", 200), "--steps", 2, "--out", run);
    assertThat(few.err())
        .contains("trained by exact likelihood: with 3 columns", "training table-spline-ml");
    assertThat(run.resolve("run.log"))
        .content()
        .as("a whitened start is evaluated")
        .contains("step 0: validation NLL ");

    Path wide = TestRuns.csv(folder.resolve("wide.csv"), names(257), TestRuns.rows(40, 257, 1));
    Result many =
        Program.succeed("train", "--data", wide, "--steps", 2, "--out", folder.resolve("wide"));
    assertThat(many.err())
        .contains("trained by score matching: with 257 columns", "training table-spline-ssm");

    Path most = TestRuns.csv(folder.resolve("most.csv"), names(256), TestRuns.rows(40, 256, 1));
    Result atMost =
        Program.succeed("train", "--data", most, "--steps", 1, "--out", folder.resolve("most"));
    assertThat(atMost.err())
        .contains("trained by exact likelihood: with 256 columns", "training table-spline-ml");
  }

  @ParameterizedTest
  @CsvSource({
    "--model, spline, table-spline-ml",
    "--model, fc, table-fc-ssm",
    "--model, coupling, table-coupling-ssm",
    "--loss, dsm, table-fc-dsm"
  })
  void aModelOrALossThatIsNamedDecidesTheOther(String option, String value, String recipe)
      throws IOException {
    Path table = table("mine.csv", 200);
    Path run = folder.resolve("run");
    Result result =
        Program.succeed("train", "--data", table, option, value, "--steps", 1, "--out", run);
    assertThat(result.err())
        .contains("training " + recipe + " ")
        .doesNotContain("trained by exact likelihood", "trained by score matching");
  }

  @ParameterizedTest
  @CsvSource({"rg, 1", "snf, 1", "rg, 2"})
  void aLossThatTheModelCanNotHaveIsRefusedBeforeAnythingIsMade(String loss, int seeds)
      throws IOException {
    Path run = folder.resolve("run");
    List<Object> call =
        new ArrayList<>(
            List.of("train", "table-fc-ssm", "--data", table("mine.csv", 200), "--out", run));
    call.addAll(List.of("--set", "objective.loss=" + loss, "--set", "model.type=linear"));
    call.addAll(List.of("--set", "model.weights=lower"));
    if (seeds > 1) {
      call.addAll(List.of("--seeds", seeds));
    }
    Result result = Program.run(call.toArray());

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err().lines().filter(line -> !line.startsWith("ebflow: BLAS")))
        .containsExactly(
            "ebflow: loss "
                + loss
                + ": the model has no dense layer that is trained, expected one: all others follow ml");
    assertThat(run).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"fc", "spline"})
  void aRateThatMakesAWeightSingularIsADivergence(String model) throws IOException {
    Path run = folder.resolve("run");
    Path table = table("mine.csv", 200);
    Result result =
        Program.run(
            "train", "--data", table, "--model", model, "--loss", "ml", "--lr", "1e30", "--steps",
            300, "--out", run);
    assertThat(result.exit()).as(result.err()).isEqualTo(1);
    assertThat(result.err()).contains("a learning rate that is too high is the likely cause");
  }

  private static String names(int columns) {
    return IntStream.range(0, columns).mapToObj(c -> "c" + c).collect(Collectors.joining(","));
  }

  @Test
  void generatedDataTrainByNameLossAndModel() {
    Path run = folder.resolve("run");
    Result result =
        Program.succeed(
            "train",
            "--data",
            "gaussians",
            "--steps",
            2,
            "--batch-size",
            64,
            "--precision",
            "f64",
            "--out",
            run);

    assertThat(result.err()).contains("training gaussians-coupling-ssm on gaussians [50000,2]");
    assertThat(run.resolve("plots/density.png")).exists();
  }
}
