package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.ebflow.cli.Commands.Outcome;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which files {@code ebflow score} writes, replaces and removes. */
class ScoreOutputTest {
  @TempDir static Path runs;
  private static Path run;

  @TempDir Path folder;

  @BeforeAll
  static void train() throws IOException {
    run = runs.resolve("run");
    TestRuns.table(run, 3);
  }

  private static Outcome score(Object... arguments) {
    Object[] all = new Object[arguments.length + 1];
    all[0] = run;
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return Commands.run(new ScoreCommand(), all);
  }

  private void assertNothingIn(String... names) {
    for (String name : names) {
      assertThat(folder.resolve(name)).doesNotExist();
    }
    assertThat(folder).isDirectoryNotContaining("glob:**.part");
  }

  @ParameterizedTest
  @ValueSource(strings = {"out.csv", "out.npy"})
  void whatAKilledCallLeftIsRemovedWithoutAWord(String name) throws IOException {
    Path good = TestRuns.text(folder.resolve("good.csv"), "a,b,c\n1,2,3\n");
    Path bad = TestRuns.text(folder.resolve("bad.csv"), "a,b,c\n1,2,3\n1,2\n");
    for (Path input : List.of(good, bad)) {
      Files.writeString(folder.resolve(name + ".0123456789abcdef.part"), "killed");
      Files.writeString(folder.resolve(name + ".1123456789abcdef.part"), "killed before");
      Files.writeString(folder.resolve(name + ".rejected.csv.0123456789abcdef.part"), "killed");
      Outcome outcome = score(input, "--out", folder.resolve(name));
      assertThat(outcome.exit()).isZero();
      assertThat(outcome.err()).startsWith("scored 1 rows into ").hasLineCount(1);
      assertThat(folder.resolve(name)).isNotEmptyFile();
      assertNothingIn();
    }
  }

  @Test
  void aTruncatedInputLeavesNoOutput() throws IOException {
    Path gz = TestRuns.csv(folder.resolve("in.csv.gz"), "a,b,c", TestRuns.rows(5000, 3, 2));
    byte[] bytes = Files.readAllBytes(gz);
    Files.write(gz, Arrays.copyOf(bytes, bytes.length / 2));
    Outcome outcome = score(gz, "--out", folder.resolve("out.csv"), "--batch-size", 64);
    assertThat(outcome.failure()).isInstanceOf(InvalidInputException.class);
    assertThat(outcome.message()).contains(gz.toString(), "truncated").doesNotContain("\n");
    assertNothingIn("out.csv");
  }

  @Test
  void aMissingFolderIsOneLineBeforeAnythingIsRead() throws IOException {
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "a,b,c", TestRuns.rows(3, 3, 2));
    Outcome outcome = score(csv, "--out", folder.resolve("none/out.csv"));
    assertThat(outcome.failure()).isInstanceOf(UncheckedIOException.class);
    assertThat(outcome.message())
        .contains("cannot be written: folder", "does not exist")
        .doesNotContain("\n");
  }

  @Test
  void aFolderOfTheOutputsNameIsRefused() throws IOException {
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "a,b,c", TestRuns.rows(3, 3, 2));
    Files.createDirectory(folder.resolve("out.csv"));
    Outcome outcome = score(csv, "--out", folder.resolve("out.csv"));
    assertThat(outcome.failure()).isInstanceOf(UncheckedIOException.class);
    assertThat(outcome.message()).contains("a directory of that name exists");
  }

  @ParameterizedTest
  @ValueSource(strings = {"out.parquet.gz", "out.txt", "in.csv"})
  void anImpossibleOutputNameIsWrongUsage(String name) throws IOException {
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "a,b,c", TestRuns.rows(3, 3, 2));
    Outcome outcome = score(csv, "--out", folder.resolve(name));
    assertThat(outcome.exit()).isEqualTo(2);
    assertThat(outcome.err()).contains("--out " + folder.resolve(name));
    assertThat(Files.readAllLines(csv)).hasSize(4);
  }

  @Test
  void anInputOfTheRejectedRowsNameIsNotReplaced() throws IOException {
    Path csv = TestRuns.csv(folder.resolve("o.csv.rejected.csv"), "a,b,c", TestRuns.rows(3, 3, 2));
    Outcome outcome = score(csv, "--out", folder.resolve("o.csv"));
    assertThat(outcome.exit()).isEqualTo(2);
    assertThat(outcome.err()).contains("would replace the input " + csv);
    assertThat(Files.readAllLines(csv)).hasSize(4);
  }

  @Test
  void anInputUnderAnotherNameOfTheOutputIsNotReplaced() throws IOException {
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "a,b,c", TestRuns.rows(3, 3, 2));
    Path link = Files.createSymbolicLink(folder.resolve("link.csv"), csv);
    assertThat(score(link, "--out", csv).err()).contains("is one of the inputs");
    assertThat(Files.readAllLines(csv)).hasSize(4);
  }
}
