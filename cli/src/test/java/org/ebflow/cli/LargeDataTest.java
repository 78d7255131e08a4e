package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.ebflow.cli.ChildProgram.Result;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Data and models that are large beside the Java heap of a JVM of their own. */
final class LargeDataTest {
  @TempDir Path folder;

  /** Normal numbers, big-endian float32; blocks of rows repeat with another first column. */
  private Path npy(int rows, int columns) throws IOException {
    Path file = folder.resolve("rows.npy");
    String header =
        "{'descr': '>f4', 'fortran_order': False, 'shape': (%d, %d), }".formatted(rows, columns);
    Matrix block = Matrix.allocate(Precision.FLOAT32, 1000, columns);
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
      out.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0});
      out.write(
          (header + " ".repeat(117 - header.length()) + "\n")
              .getBytes(StandardCharsets.ISO_8859_1));
      for (int r = 0; r < rows; r++) {
        if (r % block.rows() == 0) {
          new Noise(5).gaussian(NoisePurpose.SAMPLING, r, 0, block);
        }
        for (int c = 0; c < columns; c++) {
          out.writeFloat((float) block.get(r % block.rows(), c));
        }
      }
    }
    return file;
  }

  private static Result run(String heap, Object... arguments) throws Exception {
    return ChildProgram.run(
        new ProcessBuilder(ChildProgram.command(List.of("-Xmx" + heap), arguments)));
  }

  @Test
  void aTableLargerThanTheHeapIsTrainedOn() throws Exception {
    Path data = npy(500_000, 64);
    Path run = folder.resolve("run");
    assertThat(Files.size(data)).isGreaterThan(120_000_000);

    Result trained =
        run(
            "96m",
            "train",
            "--data",
            data,
            "--model",
            "fc",
            "--loss",
            "ssm",
            "--steps",
            "20",
            "--backend",
            "java",
            "--out",
            run);

    assertThat(trained.exit()).as(trained.err()).isZero();
    assertThat(trained.out()).contains("test NLL ").contains("50,000 rows");
    // the model starts as z = 1 - x: of normal rows, D/2·(log 2π + 1) nats and a half more
    assertThat(nll(trained.out())).isBetween(90.0, 160.0);
  }

  private static double nll(String out) {
    int at = out.indexOf("test NLL ") + "test NLL ".length();
    return Double.parseDouble(out.substring(at, out.indexOf(' ', at)));
  }

  private static void assertTooLarge(Result result) {
    assertThat(result.exit()).as(result.err()).isEqualTo(2);
    assertThat(result.err().lines().filter(line -> line.startsWith("ebflow: ")))
        .singleElement()
        .asString()
        .containsPattern(
            ": expected \\d+\\.\\d GiB of memory, \\d+\\.\\d GiB of it Java heap, found \\d+\\.\\d GiB, of which the heap may take 0\\.[012] GiB");
  }

  @ParameterizedTest
  @ValueSource(strings = {"csv", "npy"})
  void aModelLargerThanTheHeapIsRefusedBeforeItsDataAreRead(String format) throws Exception {
    Path data = npy(3, 12_288);
    if (format.equals("csv")) {
      data =
          Files.writeString(folder.resolve("rows.csv"), "0.5,".repeat(12_287) + "1.5\nnot,a,row\n");
    }
    Path run = folder.resolve("run");

    assertTooLarge(
        run("200m", "train", "--data", data, "--model", "fc", "--loss", "dsm", "--out", run));
    assertThat(run).doesNotExist();
  }

  @Test
  void aRecipeLargerThanTheHeapIsRefusedBeforeItsDataAreLookedFor() throws Exception {
    Result result =
        run("200m", "train", "stl10-fc-dsm", "--data-dir", folder, "--out", folder.resolve("run"));

    assertTooLarge(result);
    assertThat(result.err()).contains("stl10-fc-dsm on rows of 12,288 columns");
  }

  /** The jets of Glow's networks take far more than its weights. */
  @Test
  void aBatchLargerThanTheHeapIsRefused() throws Exception {
    Result result =
        run(
            "200m",
            "train",
            "mnist-glow-ssm",
            "--data-dir",
            folder,
            "--out",
            folder.resolve("run"));

    assertTooLarge(result);
    assertThat(result.err()).contains("batches of 100 (fewer take less: --batch-size)");
  }

  @Test
  void aSavedModelLargerThanTheHeapIsRefused() throws Exception {
    Path data = npy(40, 2_400);
    Path run = folder.resolve("run");
    Program.succeed(
        "train", "--data", data, "--model", "fc", "--loss", "dsm", "--steps", "1", "--out", run);

    assertTooLarge(run("64m", "eval", run, "--backend", "java"));
    assertTooLarge(
        run("64m", "score", run, data, "--out", folder.resolve("s.csv"), "--backend", "java"));
    assertTooLarge(
        run(
            "64m",
            "sample",
            run,
            "--count",
            "1",
            "--out",
            folder.resolve("s.npy"),
            "--backend",
            "java"));
    assertTooLarge(run("64m", "info", run));
  }
}
