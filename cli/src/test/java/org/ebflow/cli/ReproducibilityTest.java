package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the command in JVMs of their own: what is killed and resumed, or interpreted instead of
 * compiled, ends with the same bits. They draw no pictures, which say nothing of that and take half
 * of the time.
 */
class ReproducibilityTest {
  private static final String[] LENGTH = {"--epochs", "16"};

  /** Lines of metrics.csv behind which a call is killed; at first there is but the folder. */
  private static final int[] KILLED_BEHIND = {0, 4, 10};

  @TempDir Path folder;

  @Test
  void aRunKilledAtRandomMomentsAndResumedEndsWithTheSameBits() throws Exception {
    writeTable(1250);
    Path whole = folder.resolve("whole");
    Path killed = folder.resolve("killed");
    finish(train(List.of(), whole, LENGTH));
    Random random = new Random(20261123);
    int interrupted = 0;
    for (int lines : KILLED_BEHIND) {
      Process process = train(List.of(), killed, LENGTH);
      while (process.isAlive() && measured(killed) < lines) {
        Thread.sleep(5);
      }
      if (!process.waitFor(random.nextLong(100), TimeUnit.MILLISECONDS)) {
        interrupted++;
      }
      process.destroyForcibly().waitFor();
    }
    assertThat(interrupted).isPositive();
    finish(train(List.of(), killed, LENGTH));
    assertThat(Files.readAllBytes(killed.resolve("model.safetensors")))
        .isEqualTo(Files.readAllBytes(whole.resolve("model.safetensors")));
    assertThat(tensors(killed)).isEqualTo(tensors(whole));
    assertThat(deterministicColumns(killed)).isEqualTo(deterministicColumns(whole));
  }

  @Test
  void interpretedAndCompiledRunsEndWithTheSameBits() throws Exception {
    writeTable(250);
    Process interpreted = train(List.of("-Xint"), folder.resolve("interpreted"), "--steps", "8");
    Process compiled =
        train(
            List.of("-XX:CompileThresholdScaling=0.01"),
            folder.resolve("compiled"),
            "--steps",
            "8");
    try {
      finish(interpreted);
      finish(compiled);
    } finally {
      compiled.destroyForcibly();
    }
    assertThat(Files.readAllBytes(folder.resolve("interpreted/model.safetensors")))
        .isEqualTo(Files.readAllBytes(folder.resolve("compiled/model.safetensors")));
  }

  private void writeTable(int rows) throws IOException {
    TestRuns.csv(folder.resolve("table.csv"), "a,b", TestRuns.rows(rows, 2, 1));
  }

  /** Lines of metrics.csv so far; -1 without a folder. */
  private static int measured(Path run) throws IOException {
    Path metrics = run.resolve("metrics.csv");
    return Files.exists(metrics) ? Files.readAllLines(metrics).size() : Files.exists(run) ? 0 : -1;
  }

  /** Starts a run, or goes on with it when its folder has a configuration. */
  private Process train(List<String> jvm, Path run, String... length) throws IOException {
    List<String> options = new ArrayList<>(ChildProgram.NO_GRAPHICS);
    options.addAll(jvm);
    List<String> arguments = new ArrayList<>(List.of("train"));
    if (Files.exists(run.resolve("config.json"))) {
      arguments.addAll(List.of("--resume", run.toString()));
    } else {
      arguments.addAll(List.of("--data", folder.resolve("table.csv").toString()));
      arguments.addAll(List.of("--model", "coupling", "--loss", "ssm", "--threads", "2"));
      arguments.addAll(List.of("--set", "model.blocks=1", "--set", "model.width=8"));
      arguments.addAll(List.of("--set", "training.batch_size=100"));
      Collections.addAll(arguments, length);
      arguments.addAll(List.of("--out", run.toString()));
    }
    ProcessBuilder builder =
        new ProcessBuilder(ChildProgram.command(options, arguments.toArray()))
            .redirectErrorStream(true);
    builder.environment().put("OPENBLAS_NUM_THREADS", "1");
    return builder.redirectOutput(ProcessBuilder.Redirect.appendTo(new File(run + ".out"))).start();
  }

  private void finish(Process process) throws Exception {
    try {
      assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).describedAs(() -> outputs()).isZero();
  }

  private String outputs() {
    StringBuilder text = new StringBuilder();
    for (String name : List.of("whole", "killed", "interpreted", "compiled")) {
      Path file = folder.resolve(name + ".out");
      try {
        text.append(Files.exists(file) ? Files.readString(file) : "");
      } catch (IOException e) {
        text.append(e);
      }
    }
    return text.toString();
  }

  /** The data of the state file, behind its header, which holds times. */
  private static byte[] tensors(Path run) throws IOException {
    byte[] bytes = Files.readAllBytes(run.resolve("last/state.safetensors"));
    long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    return Arrays.copyOfRange(bytes, 8 + Math.toIntExact(header), bytes.length);
  }

  /** metrics.csv without wall_s and steps_per_s. */
  private static List<String> deterministicColumns(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.csv")).stream()
        .map(line -> line.split(",", -1))
        .map(
            cells ->
                String.join(
                    ",", cells[0], cells[1], cells[3], cells[4], cells[5], cells[6], cells[7],
                    cells[8]))
        .toList();
  }
}
