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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the command in JVMs of their own: what is killed and resumed, or interpreted instead of
 * compiled, ends with the same bits. They draw no pictures, which say nothing of that and take half
 * of the time.
 */
class ReproducibilityTest {
  private static final int KILLS = 10;

  @TempDir Path folder;

  @BeforeEach
  void writeTable() throws IOException {
    TestRuns.csv(folder.resolve("table.csv"), "a,b", TestRuns.rows(1250, 2, 1));
  }

  @Test
  void aRunKilledAtRandomMomentsAndResumedEndsWithTheSameBits() throws Exception {
    Path whole = folder.resolve("whole");
    Path killed = folder.resolve("killed");
    long started = System.nanoTime();
    finish(train(List.of(), whole, "--epochs", "40"));
    long wholeMillis = (System.nanoTime() - started) / 1_000_000;
    Random random = new Random(20261123);
    int interrupted = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = train(List.of(), killed, "--epochs", "40");
      // from before the first file to beyond the middle of the whole run
      if (!process.waitFor(
          random.nextLong(100, Math.max(200, wholeMillis * 2 / 3)), TimeUnit.MILLISECONDS)) {
        interrupted++;
      }
      process.destroyForcibly().waitFor();
    }
    assertThat(interrupted).isPositive();
    finish(train(List.of(), killed, "--epochs", "40"));
    assertThat(Files.readAllBytes(killed.resolve("model.safetensors")))
        .isEqualTo(Files.readAllBytes(whole.resolve("model.safetensors")));
    assertThat(tensors(killed)).isEqualTo(tensors(whole));
    assertThat(deterministicColumns(killed)).isEqualTo(deterministicColumns(whole));
  }

  @Test
  void interpretedAndCompiledRunsEndWithTheSameBits() throws Exception {
    Process interpreted = train(List.of("-Xint"), folder.resolve("interpreted"), "--steps", "20");
    Process compiled =
        train(
            List.of("-XX:CompileThresholdScaling=0.01"),
            folder.resolve("compiled"),
            "--steps",
            "20");
    try {
      finish(interpreted);
      finish(compiled);
    } finally {
      compiled.destroyForcibly();
    }
    assertThat(Files.readAllBytes(folder.resolve("interpreted/model.safetensors")))
        .isEqualTo(Files.readAllBytes(folder.resolve("compiled/model.safetensors")));
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
      arguments.addAll(
          List.of("--set", "training.batch_size=100", "--set", "training.evaluate_every=1"));
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
