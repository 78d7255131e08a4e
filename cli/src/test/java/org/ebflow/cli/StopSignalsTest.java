package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.ebflow.training.ExitCode;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command on a terminal of its own, which {@code script} of util-linux makes. */
@EnabledOnOs(OS.LINUX)
final class StopSignalsTest {
  private static final Path SCRIPT = Path.of("/usr/bin/script");
  private static final int CTRL_C = 3;

  @TempDir static Path shared;
  private static Path scored;
  private static Path rows;
  private static Path whole;

  @TempDir Path folder;

  /** Rows that take seconds where they are scored one by one, and their scores of one go. */
  @BeforeAll
  static void scoreInOneGo() throws Exception {
    scored = shared.resolve("run");
    TestRuns.table(scored, 2);
    rows =
        TestRuns.text(
            shared.resolve("rows.csv"), "a,b\n" + ("1,2\n3,4\n".repeat(50) + ",5\n").repeat(8000));
    whole = shared.resolve("whole.csv");
    assertThat(Commands.run(new ScoreCommand(), scored, rows, "--out", whole).exit()).isZero();
  }

  @Test
  void ctrlCOnATerminalSavesAndEndsWithCodeThree() throws Exception {
    assumeTrue(Files.isExecutable(SCRIPT), "needs script of util-linux");
    Path run = folder.resolve("run");
    Path table = TestRuns.csv(folder.resolve("rows.csv"), "a,b,c", TestRuns.rows(200, 3, 1));
    Path screen = folder.resolve("screen");
    Path arguments =
        Files.write(
            folder.resolve("arguments"),
            List.of(
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xss8m",
                "-Debflow.terminal=100",
                "-cp",
                System.getProperty("java.class.path"),
                "org.ebflow.cli.Ebflow",
                "train",
                "--data",
                table.toString(),
                "--model",
                "fc",
                "--loss",
                "ssm",
                "--epochs",
                "1000000",
                "--threads",
                "1",
                "--out",
                run.toString()));
    String java = Path.of(System.getProperty("java.home"), "bin", "java") + " @" + arguments;
    // A build started in the background of a shell ignores Ctrl-C, and so would its children.
    String heed = "env --default-signal=INT ";
    String command = heed + "true 2>/dev/null && exec " + heed + java + "; exec " + java;
    Process process =
        new ProcessBuilder(SCRIPT.toString(), "-q", "-e", "-c", command, "/dev/null")
            .redirectErrorStream(true)
            .redirectOutput(screen.toFile())
            .start();
    try (OutputStream keyboard = process.getOutputStream()) {
      waitFor(screen, "loss");
      keyboard.write(CTRL_C);
      keyboard.flush();
      assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
    } finally {
      process.destroyForcibly();
    }

    assertThat(process.exitValue()).as(Files.readString(screen)).isEqualTo(ExitCode.INTERRUPTED);
    assertThat(screen).content().contains("saved in " + run);
    assertThat(run.resolve("run.log")).content().contains("stopped on request");
  }

  /** A stopped call saves and ends with code 3; a killed one leaves its last checkpoint. */
  @ParameterizedTest
  @CsvSource({"INT, 3", "TERM, 3", "KILL, 137"})
  void scoreGoesOnWhereASignalHasEndedIt(String signal, int exit) throws Exception {
    Path scores = Files.createDirectory(folder.resolve("scores"));
    Path out = scores.resolve("out.csv");
    List<String> command =
        ChildProgram.command(List.of(), "score", scored, rows, "--batch-size", 1, "--out", out);
    if (heedsSignals()) {
      command.addAll(0, List.of("env", "--default-signal=INT"));
    }
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("screen").toFile())
            .start();
    try {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(600);
      while (Files.notExists(scores.resolve("out.csv.state.json"))) {
        assertThat(System.nanoTime()).as("waiting for a checkpoint").isLessThan(deadline);
        Thread.sleep(20);
      }
      new ProcessBuilder("kill", "-" + signal, String.valueOf(process.pid())).start().waitFor();
      assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
    } finally {
      process.destroyForcibly();
    }

    assertThat(process.exitValue()).as(Files.readString(folder.resolve("screen"))).isEqualTo(exit);
    assertThat(out).doesNotExist();
    Commands.Outcome resumed = Commands.run(new ScoreCommand(), scored, rows, "--out", out);
    assertThat(resumed.exit()).isZero();
    assertThat(resumed.err())
        .startsWith("going on behind ")
        .contains("scored 800,000 rows", "rejected 8,000 ");
    assertThat(Files.mismatch(out, whole)).isEqualTo(-1);
    String rejected = ".rejected.csv";
    assertThat(Files.mismatch(Path.of(out + rejected), Path.of(whole + rejected))).isEqualTo(-1);
    try (Stream<Path> entries = Files.list(scores)) {
      assertThat(entries).containsExactlyInAnyOrder(out, Path.of(out + rejected));
    }
  }

  /** A piece of work that never ends. */
  static final class Endless {
    private Endless() {}

    public static void main(String[] none) throws InterruptedException {
      PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
      StopSignals signals = new StopSignals("piece", () -> {}, out);
      out.println("working");
      Thread.sleep(TimeUnit.MINUTES.toMillis(20));
      signals.restore();
    }
  }

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143"})
  void oneMoreSignalEndsAtOnce(String signal, int exit) throws Exception {
    Path screen = folder.resolve("screen");
    List<String> command = ChildProgram.java(List.of(ChildProgram.FAST_START), Endless.class);
    if (heedsSignals()) {
      command.addAll(0, List.of("env", "--default-signal=INT"));
    }
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(screen.toFile())
            .start();
    try {
      waitFor(screen, "working");
      int sent = 0;
      do {
        new ProcessBuilder("kill", "-" + signal, String.valueOf(process.pid())).start().waitFor();
        sent++;
      } while (sent < 1000 && !process.waitFor(300, TimeUnit.MILLISECONDS));
      assertThat(process.exitValue()).isEqualTo(exit);
      assertThat(screen).content().containsOnlyOnce("once more ends at once");
    } finally {
      process.destroyForcibly();
    }
  }

  /** Whether env can undo what a shell does to its background jobs: to ignore Ctrl-C. */
  private static boolean heedsSignals() throws Exception {
    return new ProcessBuilder("env", "--default-signal=INT", "true").start().waitFor() == 0;
  }

  private static void waitFor(Path file, String text) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(600);
    while (!Files.readString(file).contains(text)) {
      assertThat(System.nanoTime()).as("waiting for " + text).isLessThan(deadline);
      Thread.sleep(50);
    }
  }
}
