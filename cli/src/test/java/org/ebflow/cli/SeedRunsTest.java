package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.ebflow.cli.Program.Result;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SeedRunsTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir private Path folder;
  private Path data;
  private Path runs;

  @BeforeEach
  void writeTable() throws IOException {
    data = TestRuns.csv(folder.resolve("mine.csv"), "a,b,c", TestRuns.rows(300, 3, 1));
    runs = folder.resolve("runs");
  }

  private Result threeSeeds() {
    return Program.succeed(
        "train",
        "--model",
        "fc",
        "--data",
        data,
        "--epochs",
        2,
        "--seed",
        5,
        "--seeds",
        3,
        "--threads",
        1,
        "--out",
        runs);
  }

  private double nll(int seed) {
    return JSON.readTree(Program.succeed("eval", runs.resolve("seed-" + seed), "--json").out())
        .get("nll")
        .asDouble();
  }

  private byte[] model(Path run) throws IOException {
    return Files.readAllBytes(run.resolve("model.safetensors"));
  }

  @Test
  void everySeedIsARunOfItsOwnAndTheirMeanAndDeviationEndTheOutput() throws IOException {
    Result result = threeSeeds();
    double[] nlls = {nll(5), nll(6), nll(7)};
    double mean = DoubleStream.of(nlls).sum() / 3;
    double deviation =
        Math.sqrt(DoubleStream.of(nlls).map(nll -> (nll - mean) * (nll - mean)).sum() / 2);
    assertThat(deviation).isPositive();
    assertThat(result.out().lines())
        .containsExactly(
            line(5, nlls[0]),
            line(6, nlls[1]),
            line(7, nlls[2]),
            String.format(
                Locale.ROOT,
                "test NLL %.4f ± %.4f nats (mean ± deviation, n = 3)",
                mean,
                deviation));

    Path single = folder.resolve("single");
    Program.succeed(
        "train",
        "--model",
        "fc",
        "--data",
        data,
        "--epochs",
        2,
        "--seed",
        6,
        "--threads",
        1,
        "--out",
        single);
    assertThat(model(runs.resolve("seed-6"))).isEqualTo(model(single));
    JsonNode seeds = JSON.readTree(Files.readString(runs.resolve("seeds.json"))).get("seeds");
    assertThat(seeds.get(1).get("seed").asInt()).isEqualTo(6);
    assertThat(seeds.get(1).get("test_nll").asDouble()).isCloseTo(nlls[1], within(1e-12));
  }

  private String line(int seed, double nll) {
    return String.format(
        Locale.ROOT,
        "seed %d: test NLL %.4f nats, run %s",
        seed,
        nll,
        runs.resolve("seed-" + seed));
  }

  @Test
  void resumingRunsOnlyTheSeedsThatAreNotDone() throws IOException {
    Result first = threeSeeds();
    String out = first.out();
    byte[] last = model(runs.resolve("seed-7"));
    List<String> logs = logs();
    String advice =
        "still improving at the last step with seed 5, 6, 7: go on with `ebflow train --resume "
            + runs
            + " --epochs 4`";
    assertThat(first.err()).contains(advice);

    Result again = Program.succeed("train", "--resume", runs, "--threads", 1);
    assertThat(again.out()).isEqualTo(out);
    assertThat(again.err()).isEqualToIgnoringNewLines(advice);
    assertThat(logs()).as("none is run again").isEqualTo(logs);

    // as if it had been killed within the last seed, before its first checkpoint
    Path seeds = runs.resolve("seeds.json");
    String text = Files.readString(seeds);
    Files.writeString(seeds, text.replaceFirst("(?s)7,\\s*\"test_nll\" : [-.0-9]+", "7"));
    assertThat(Files.readString(seeds)).isNotEqualTo(text);
    delete(runs.resolve("seed-7"));
    Result resumed = Program.succeed("train", "--resume", runs, "--threads", 1);
    assertThat(resumed.out()).isEqualTo(out);
    assertThat(resumed.err()).contains("training table-fc-ssm", advice).doesNotContain("resuming");
    assertThat(model(runs.resolve("seed-7"))).isEqualTo(last);
    assertThat(logs().subList(0, 2)).isEqualTo(logs.subList(0, 2));
    assertThat(seeds).content().isEqualTo(text);
  }

  @Test
  void aSeedThatWasStoppedGoesOnWithTheSameBits() throws IOException {
    String out = threeSeeds().out();
    byte[] last = model(runs.resolve("seed-6"));
    // a run of one epoch, and the list of seeds as it was then
    delete(runs.resolve("seed-6"));
    delete(runs.resolve("seed-7"));
    Program.succeed(
        "train",
        "--model",
        "fc",
        "--data",
        data,
        "--epochs",
        1,
        "--seed",
        6,
        "--threads",
        1,
        "--out",
        runs.resolve("seed-6"));
    Path seeds = runs.resolve("seeds.json");
    String text = Files.readString(seeds);
    Files.writeString(seeds, text.replaceAll("(?s)(6|7),\\s*\"test_nll\" : [-.0-9]+", "$1"));
    Result resumed = Program.succeed("train", "--resume", runs, "--threads", 1);
    assertThat(resumed.out()).isEqualTo(out);
    assertThat(resumed.err()).contains("resuming table-fc-ssm");
    assertThat(model(runs.resolve("seed-6"))).isEqualTo(last);
  }

  @Test
  void anotherLengthIsThatOfAllSeeds() throws IOException {
    threeSeeds();
    Result longer = Program.succeed("train", "--resume", runs, "--epochs", 4, "--threads", 1);
    assertThat(longer.err())
        .contains("resuming table-fc-ssm")
        .contains(
            "still improving at the last step with seed 5, 6, 7: go on with `ebflow train --resume "
                + runs
                + " --epochs 8`");
    for (int seed = 5; seed <= 7; seed++) {
      assertThat(runs.resolve("seed-" + seed).resolve("run.log"))
          .content()
          .contains("resumed after step 6", "step 12: validation NLL");
    }
    List<String> logs = logs();
    Program.succeed("train", "--resume", runs, "--threads", 1);
    assertThat(logs()).isEqualTo(logs);
  }

  @Test
  void wrongUseIsRefused() throws IOException {
    threeSeeds();
    String seeds = Files.readString(runs.resolve("seeds.json"));
    for (String number : List.of("test_nll", "validation_nll", "nll_gaussian")) {
      String damaged =
          seeds.replaceFirst("\"" + number + "\" : [-.0-9E]+", "\"" + number + "\" : \"1,5\"");
      assertThat(damaged).isNotEqualTo(seeds);
      Files.writeString(runs.resolve("seeds.json"), damaged);
      Program.refuse("seeds.json: expected JSON", "train", "--resume", runs);
    }
    Files.writeString(runs.resolve("seeds.json"), seeds);
    Program.refuse(
        "holds runs with several seeds already",
        "train",
        "--model",
        "fc",
        "--data",
        data,
        "--out",
        runs);
    Program.refuse(
        "holds runs with several seeds already",
        "train",
        "--model",
        "fc",
        "--data",
        data,
        "--out",
        runs,
        "--seeds",
        2);
    Files.writeString(runs.resolve("seeds.json"), "{}");
    Program.refuse("seeds.json: expected the seeds of several runs", "train", "--resume", runs);
    Files.writeString(runs.resolve("seeds.json"), "{");
    Program.refuse("seeds.json: expected JSON", "train", "--resume", runs);
    Path single = folder.resolve("single");
    Program.succeed(
        "train", "--model", "fc", "--data", data, "--epochs", 1, "--out", single.resolve("seed-1"));
    Program.refuse(
        "seed-1: holds a run already",
        "train",
        "--model",
        "fc",
        "--data",
        data,
        "--seeds",
        2,
        "--out",
        single);
    assertThat(single.resolve("seeds.json")).doesNotExist();
  }

  private List<String> logs() throws IOException {
    return List.of(
        Files.readString(runs.resolve("seed-5/run.log")),
        Files.readString(runs.resolve("seed-6/run.log")),
        Files.readString(runs.resolve("seed-7/run.log")));
  }

  private static void delete(Path tree) throws IOException {
    try (Stream<Path> files = Files.walk(tree)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
