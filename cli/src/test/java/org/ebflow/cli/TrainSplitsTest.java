package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ebflow.cli.Program.Result;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How {@code train} divides a table into training, validation and test rows. */
final class TrainSplitsTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;

  private Path table(String name, int rows) throws IOException {
    return TestRuns.csv(folder.resolve(name), "a,b,c", TestRuns.rows(rows, 3, 1));
  }

  @Test
  void ownFilesOfThePartsAreRecordedEvaluatedAndChecked() throws IOException {
    Path run = folder.resolve("run");
    Path data = table("mine.csv", 90);
    Path validation = TestRuns.csv(folder.resolve("v.csv"), "b,a,c,x", TestRuns.rows(20, 4, 2));
    Path test = TestRuns.csv(folder.resolve("t.csv"), "c,b,a", TestRuns.rows(30, 3, 3));
    Program.succeed(
        "train",
        "--model",
        "fc",
        "--data",
        data,
        "--validation",
        validation,
        "--test",
        test,
        "--epochs",
        2,
        "--out",
        run);
    JsonNode config = JSON.readTree(Files.readString(run.resolve("config.json")));
    assertThat(config.at("/recipe/data/validation").asString()).isEqualTo(validation.toString());
    assertThat(
            List.of(
                config.at("/data/sha256").asString(),
                config.at("/data/validation_sha256").asString(),
                config.at("/data/test_sha256").asString()))
        .doesNotHaveDuplicates()
        .allSatisfy(sha256 -> assertThat(sha256).hasSize(64));
    assertThat(Program.run("eval", run).out()).contains("30 rows");
    assertThat(Program.run("eval", run, "--split", "val").out()).contains("20 rows");
    assertThat(Program.run("eval", run, "--split", "train").out()).contains("90 rows");
    assertThat(nll("eval", run)).isEqualTo(nll("eval", run, "--data", test));

    Path moved = Files.move(test, folder.resolve("moved.csv"));
    assertThat(Program.run("train", "--resume", run, "--epochs", 3).err())
        .contains("t.csv: expected a file, found none");
    Program.succeed("train", "--resume", run, "--epochs", 3, "--test", moved);
    TestRuns.csv(moved, "c,b,a", TestRuns.rows(30, 3, 4));
    for (Object[] call :
        new Object[][] {
          {"train", "--resume", run, "--epochs", 4}, {"eval", run}, {"eval", run, "--split", "val"}
        }) {
      Result changed = Program.run(call);
      assertThat(changed.exit()).isEqualTo(2);
      assertThat(changed.err()).contains("moved.csv: expected the test rows of the run, SHA-256");
    }
  }

  private static double nll(Object... call) {
    Object[] json = Arrays.copyOf(call, call.length + 1);
    json[call.length] = "--json";
    return JSON.readTree(Program.succeed(json).out()).get("nll").asDouble();
  }

  @Test
  void sharesAreRecordedAndUsedByEval() throws IOException {
    Path run = folder.resolve("run");
    Program.succeed(
        "train",
        "--model",
        "fc",
        "--data",
        table("mine.csv", 100),
        "--split",
        ".5,.3,.2",
        "--epochs",
        1,
        "--out",
        run);
    assertThat(Program.run("eval", run).out()).contains("20 rows");
    assertThat(Program.run("eval", run, "--split", "val").out()).contains("30 rows");
    for (Object[] refused :
        new Object[][] {
          {"--resume", run, "--split", ".8,.1,.1"},
          {"--resume", run, "--test", folder.resolve("mine.csv")},
          {"--resume", run, "--seeds", 2},
          {"--data", folder.resolve("mine.csv"), "--split", ".8,.1"},
          {"--data", folder.resolve("mine.csv"), "--split", ".8,.1,.2"},
          {"--data", folder.resolve("mine.csv"), "--test", folder.resolve("mine.csv")},
          {"--data", folder.resolve("mine.csv"), "--seeds", 1},
          {"--data", folder.resolve("mine.csv"), "--set", "optimizer.rates.slope=2"}
        }) {
      List<Object> call = new ArrayList<>(List.of("train"));
      call.addAll(List.of(refused));
      if (!call.contains("--resume")) {
        call.addAll(List.of("--out", folder.resolve("none")));
      }
      Result result = Program.run(call.toArray());
      assertThat(result.exit()).as("%s: %s", call, result.err()).isEqualTo(2);
      assertThat(result.err()).as("%s", call).doesNotContain("\tat ");
      assertThat(folder.resolve("none")).doesNotExist();
    }
  }
}
