package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ebflow.cli.Program.Result;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** When {@code train} stops, and how it goes on. */
final class TrainLengthTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;

  private Path table(String name, int rows) throws IOException {
    return TestRuns.csv(folder.resolve(name), "a,b,c", TestRuns.rows(rows, 3, 1));
  }

  @Test
  void aRunStopsEarlyAndIsResumedAsItsLineSays() throws IOException {
    Path run = folder.resolve("run");
    Result stopped =
        Program.succeed(
            "train",
            "--model",
            "fc",
            "--data",
            table("mine.csv", 200),
            "--loss",
            "ml",
            "--lr",
            "0.05",
            "--epochs",
            100,
            "--set",
            "training.patience=2",
            "--set",
            "training.average_decay=0",
            "--set",
            "optimizer.rates.bias=3",
            "--out",
            run,
            "--threads",
            1);
    assertThat(stopped.err())
        .containsPattern(
            "(?m)^stopped early after step \\d+ of 200: 2 evaluations without a better validation NLL than the ")
        .doesNotContain("still improving");
    assertThat(run.resolve("run.log")).content().contains("stopped early after step ");
    JsonNode config = JSON.readTree(Files.readString(run.resolve("config.json")));
    assertThat(config.at("/settings/patience").asInt()).isEqualTo(2);
    assertThat(config.at("/recipe/training/patience").asInt()).isEqualTo(2);
    assertThat(config.at("/optimizer/values/rates/bias").asDouble()).isEqualTo(3);

    assertThat(Program.succeed("train", "--resume", run, "--threads", 1).err())
        .containsPattern("(?m)^had stopped early after step \\d+ of 200");
    assertThat(Program.succeed("train", "--resume", run, "--epochs", 300, "--threads", 1).err())
        .containsPattern("(?m)^had stopped early after step \\d+, goes on to step 600$");
  }

  @Test
  void aRunThatStillImprovesNamesTheCommandThatGoesOn() throws IOException {
    Path data = table("mine.csv", 400);
    for (List<Object> length :
        List.<List<Object>>of(
            List.of("--epochs", 3),
            List.of("--steps", 10, "--set", "training.evaluate_steps=4"),
            List.of(
                "--epochs",
                1,
                "--set",
                "training.min_steps=10",
                "--set",
                "training.evaluate_steps=4"))) {
      Path run = folder.resolve("run" + length.size() + length.getFirst());
      List<Object> arguments =
          new ArrayList<>(List.of("train", "--model", "fc", "--data", data, "--out", run));
      arguments.addAll(length);
      String err = Program.succeed(arguments.toArray()).err();
      Matcher line =
          Pattern.compile("(?m)^still improving at the last step: go on with `ebflow (.*)`$")
              .matcher(err);
      assertThat(line.find()).as(err).isTrue();
      long before = steps(err);
      Result longer = Program.succeed((Object[]) line.group(1).split(" "));
      assertThat(longer.err()).contains("resuming table-fc-ssm");
      assertThat(steps(longer.err())).isBetween(2 * before, 2 * before + 7);
      assertThat(longer.err()).contains("step " + steps(longer.err()) + "/");
    }
    assertThat(
            Program.succeed(
                    "train",
                    "--model",
                    "fc",
                    "--data",
                    data,
                    "--epochs",
                    1,
                    "--out",
                    folder.resolve("one"))
                .err())
        .as("one evaluation shows no improvement")
        .doesNotContain("still improving");
  }

  /** How many steps a run was to have. */
  private static long steps(String err) {
    Matcher plan = Pattern.compile("(?m)^(\\d+) steps, ").matcher(err);
    assertThat(plan.find()).as(err).isTrue();
    return Long.parseLong(plan.group(1));
  }
}
