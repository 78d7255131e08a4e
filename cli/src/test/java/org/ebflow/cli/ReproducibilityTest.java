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
 * compiled, ends with the same bits.
 */
class ReproducibilityTest {
  private static final int KILLS = 10;
  private static final String[] RUN = {
    "gaussians-coupling-ssm",
    "--threads",
    "2",
    "--set",
    "model.blocks=1",
    "--set",
    "model.width=8",
    "--set",
    "training.batch_size=500",
    "--set",
    "training.evaluate_every=1"
  };

  @TempDir Path folder;

  @Test
  void aRunKilledAtRandomMomentsAndResumedEndsWithTheSameBits() throws Exception {
    Path whole = folder.resolve("whole");
    Path killed = folder.resolve("killed");
    long started = System.nanoTime();
    finish(train(List.of(), whole));
    long wholeMillis = (System.nanoTime() - started) / 1_000_000;
    Random random = new Random(20261123);
    int interrupted = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = train(List.of(), killed);
      // from before the first file to beyond the middle of the whole run
      if (!process.waitFor(
          random.nextLong(100, Math.max(200, wholeMillis * 2 / 3)), TimeUnit.MILLISECONDS)) {
        interrupted++;
      }
      process.destroyForcibly().waitFor();
    }
    assertThat(interrupted).isPositive();
    finish(train(List.of(), killed));
    assertThat(Files.readAllBytes(killed.resolve("model.safetensors")))
        .isEqualTo(Files.readAllBytes(whole.resolve("model.safetensors")));
    assertThat(tensors(killed)).isEqualTo(tensors(whole));
    assertThat(deterministicColumns(killed)).isEqualTo(deterministicColumns(whole));
  }

  @Test
  void interpretedAndCompiledRunsEndWithTheSameBits() throws Exception {
    finish(train(List.of("-Xint"), folder.resolve("interpreted"), "--steps", "20"));
    finish(
        train(
            List.of("-XX:CompileThresholdScaling=0.01"),
            folder.resolve("compiled"),
            "--steps",
            "20"));
    assertThat(Files.readAllBytes(folder.resolve("interpreted/model.safetensors")))
        .isEqualTo(Files.readAllBytes(folder.resolve("compiled/model.safetensors")));
  }

  /** Starts a run, or goes on with it when its folder has a configuration. */
  private static Process train(List<String> jvm, Path run, String... more) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xss8m"));
    command.addAll(jvm);
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), "org.ebflow.cli.Ebflow", "train"));
    if (Files.exists(run.resolve("config.json"))) {
      command.addAll(List.of("--resume", run.toString()));
    } else {
      Collections.addAll(command, RUN);
      Collections.addAll(command, more.length == 0 ? new String[] {"--epochs", "4"} : more);
      command.addAll(List.of("--out", run.toString()));
    }
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("OPENBLAS_NUM_THREADS", "1");
    return builder.redirectOutput(ProcessBuilder.Redirect.appendTo(new File(run + ".out"))).start();
  }

  private void finish(Process process) throws Exception {
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
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
