package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.ebflow.cli.Program.Result;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class StudyStartCommandTest {
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir private Path folder;
  private Path data;
  private Path study;

  @BeforeEach
  void writeTable() throws IOException {
    data = TestRuns.csv(folder.resolve("mine.csv"), "a,b,c", TestRuns.rows(300, 3, 1));
    study = folder.resolve("study");
  }

  private Result start(String losses, int seeds, int steps, Object... more) {
    Object[] usual = {
      "study",
      "start",
      "--data",
      data,
      "--losses",
      losses,
      "--seeds",
      seeds,
      "--steps",
      steps,
      "--threads",
      1,
      "--out",
      study
    };
    return Program.succeed(Stream.concat(Stream.of(usual), Stream.of(more)).toArray());
  }

  private List<String[]> csv() throws IOException {
    return Files.readAllLines(study.resolve("start.csv")).stream()
        .map(line -> line.split(",", -1))
        .toList();
  }

  private double nll(Path run, String split) {
    return JSON.readTree(Program.succeed("eval", run, "--split", split, "--json").out())
        .get("nll")
        .asDouble();
  }

  @Test
  void everySettingChangesOneThingAndHasTheValuesOfItsOwnRuns() throws IOException {
    Result result = start("ssm,ml", 2, 6);
    assertThat(result.err())
        .contains("40 runs, 20 recipes with 2 seeds each, into " + study)
        .contains("run 1 of 40: ssm/recipe, seed 1", "run 40 of 40: ml/model.layers=4, seed 2");
    List<String[]> rows = csv();
    assertThat(rows.get(0))
        .containsExactly("loss", "setting", "seed", "validation_nll", "test_nll", "seconds");
    assertThat(rows).hasSize(41);
    assertThat(
            rows.stream().skip(1).filter(row -> row[0].equals("ml")).map(row -> row[1]).distinct())
        .containsExactly(
            "recipe",
            "model.init=identity",
            "model.init=whitening",
            "optimizer.lr=0.00003",
            "optimizer.lr=0.0003",
            "data.noise=0.05",
            "data.noise=0.1",
            "training.last_layer=closed_form",
            "model.layers=3",
            "model.layers=4");
    for (String[] row : rows.subList(1, rows.size())) {
      Path run = study.resolve(row[0]).resolve(row[1]).resolve("seed-" + row[2]);
      assertThat(Double.parseDouble(row[3])).isCloseTo(nll(run, "val"), within(1e-12));
      assertThat(Double.parseDouble(row[4])).isCloseTo(nll(run, "test"), within(1e-12));
    }

    Path single = folder.resolve("single");
    Program.succeed(
        "train",
        "--data",
        data,
        "--model",
        "fc",
        "--loss",
        "ml",
        "--steps",
        6,
        "--seed",
        2,
        "--set",
        "model.init=whitening",
        "--threads",
        1,
        "--out",
        single);
    assertThat(study.resolve("ml/model.init=whitening/seed-2/model.safetensors"))
        .hasSameBinaryContentAs(single.resolve("model.safetensors"));

    // the printed means and deviations are those of the file, and * is the least validation NLL
    List<String> lines = result.out().lines().toList();
    for (String loss : List.of("ssm", "ml")) {
      double unchanged = mean(rows, loss, "recipe", 4);
      String best = null;
      for (String[] row : rows.subList(1, rows.size())) {
        if (!row[0].equals(loss) || row[2].equals("2")) {
          continue;
        }
        if (best == null || mean(rows, loss, row[1], 3) < mean(rows, loss, best, 3)) {
          best = row[1];
        }
        double test = mean(rows, loss, row[1], 4);
        double first = Double.parseDouble(row[4]);
        String expected =
            String.format(
                Locale.ROOT,
                "%s %s %.2f %.2f %.2f %.2f ",
                loss,
                row[1],
                mean(rows, loss, row[1], 3),
                test,
                Math.abs(first - test) * Math.sqrt(2),
                unchanged - test);
        assertThat(lines).anyMatch(line -> line.replaceAll(" +", " ").startsWith(expected));
      }
      String chosen = loss + " " + best + " ";
      assertThat(lines.stream().map(line -> line.replaceAll(" +", " ")))
          .filteredOn(line -> line.startsWith(loss + " ") && line.endsWith("*"))
          .singleElement()
          .asString()
          .startsWith(chosen);
    }
    assertThat(study.resolve("start.png")).isNotEmptyFile();
  }

  private static double mean(List<String[]> rows, String loss, String setting, int column) {
    return rows.stream()
        .filter(row -> row[0].equals(loss) && row[1].equals(setting))
        .mapToDouble(row -> Double.parseDouble(row[column]))
        .average()
        .orElseThrow();
  }

  @Test
  void aStudyThatWasStoppedRunsOnlyWhatIsNotDone() throws IOException {
    start("ml", 2, 6);
    List<String[]> rows = csv();
    byte[] last = Files.readAllBytes(study.resolve("ml/model.layers=4/seed-2/model.safetensors"));
    String log = Files.readString(study.resolve("ml/recipe/seed-1/run.log"));

    // as if it had been killed within the last run, before its first checkpoint
    Path seeds = study.resolve("ml/model.layers=4/seeds.json");
    String text = Files.readString(seeds);
    Files.writeString(seeds, text.replaceFirst("(?s)2,\\s*\"test_nll\" : [-.0-9E]+", "2"));
    assertThat(Files.readString(seeds)).isNotEqualTo(text);
    delete(study.resolve("ml/model.layers=4/seed-2"));
    Result again = start("ml", 2, 6);
    assertThat(again.err())
        .contains("20 runs, 10 recipes with 2 seeds each, 19 done before, into " + study)
        .contains("run 20 of 20: ml/model.layers=4, seed 2")
        .doesNotContain("run 19 of 20");
    assertThat(seeds).content().isEqualTo(text);
    assertThat(study.resolve("ml/model.layers=4/seed-2/model.safetensors")).hasBinaryContent(last);
    assertThat(study.resolve("ml/recipe/seed-1/run.log")).content().isEqualTo(log);
    List<String[]> after = csv();
    for (int r = 0; r < rows.size(); r++) {
      assertThat(after.get(r))
          .startsWith(List.of(rows.get(r)).subList(0, 5).toArray(String[]::new));
    }

    // more seeds are added to those that are done
    Result more = start("ml", 3, 6);
    assertThat(more.err()).contains("30 runs, 10 recipes with 3 seeds each, 20 done before");
    assertThat(csv()).hasSize(31);
    assertThat(study.resolve("ml/recipe/seed-1/run.log")).content().isEqualTo(log);

    Program.refuse(
        "expected runs of the same recipe, found others (take another --out)",
        "study",
        "start",
        "--data",
        data,
        "--steps",
        7,
        "--losses",
        "ml",
        "--out",
        study);
  }

  @Test
  void aRunThatDivergesIsAResult() throws IOException {
    Result result = start("ssm", 2, 200, "--set", "optimizer.lr=1e30");
    assertThat(result.out().replaceAll(" +", " ")).contains("ssm recipe diverged 2 of 2 ");
    assertThat(csv().get(1)).contains("Infinity");
    Result again = start("ssm", 2, 200, "--set", "optimizer.lr=1e30");
    assertThat(again.err()).contains("20 done before").doesNotContain("run 1 of");
    assertThat(again.out()).as("read from the folder").isEqualTo(result.out());
    assertThat(csv().get(1)).contains("Infinity");
  }

  @Test
  void wrongUseIsOneLine() {
    for (String[] wrong :
        new String[][] {
          {"--seeds", "1", "--seeds is 1, expected at least 2"},
          {"--losses", "ssmm", "--loss ssmm: expected --loss dsm, fdssm, ml, rg, sml, snf, ssm"},
          {"--data", "nowhere.csv", "nowhere.csv: expected a file or one of mnist"},
          {"--set", "model.layer=3", "no key model.layer, the nearest is model.layers"},
          {"--steps", "many", "training.steps: expected a whole number"}
        }) {
      Object data = wrong[0].equals("--data") ? wrong[1] : this.data;
      List<Object> call =
          new ArrayList<>(List.of("study", "start", "--data", data, "--out", study));
      if (!wrong[0].equals("--data")) {
        call.addAll(List.of(wrong[0], wrong[1]));
      }
      Result result = Program.run(call.toArray());
      assertThat(result.exit()).isEqualTo(2);
      assertThat(result.err()).contains(wrong[2]).doesNotContain("\tat ");
      assertThat(result.err().lines()).hasSize(1);
      assertThat(study).doesNotExist();
    }
  }

  private static void delete(Path tree) throws IOException {
    try (Stream<Path> files = Files.walk(tree)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
