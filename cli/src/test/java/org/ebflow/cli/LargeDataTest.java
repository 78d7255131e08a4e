package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.ebflow.cli.Program.Result;
import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.TrainedFlow;
import org.ebflow.training.scoring.TrainedFlow.DataDescription;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Data and models that are large beside the Java heap of a JVM of their own. */
final class LargeDataTest {
  @TempDir Path folder;

  /** Normal numbers, big-endian float32, of which every 1000 rows are the same. */
  private static Path npy(Path file, int rows, int columns) throws IOException {
    String header =
        "{'descr': '>f4', 'fortran_order': False, 'shape': (%d, %d), }".formatted(rows, columns);
    Matrix block = Matrix.allocate(Precision.FLOAT32, Math.min(rows, 1000), columns);
    new Noise(5).gaussian(NoisePurpose.SAMPLING, 0, 0, block);
    ByteBuffer bytes = ByteBuffer.allocate(block.rows() * columns * Float.BYTES);
    for (double[] row : block.toRows()) {
      for (double value : row) {
        bytes.putFloat((float) value);
      }
    }
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0});
      out.write(
          (header + " ".repeat(117 - header.length()) + "\n")
              .getBytes(StandardCharsets.ISO_8859_1));
      for (int r = 0; r < rows; r += block.rows()) {
        out.write(bytes.array());
      }
    }
    return file;
  }

  @Test
  void aTableLargerThanTheHeapIsTrainedOn() throws Exception {
    Path data = npy(folder.resolve("rows.npy"), 850_000, 16);
    assertThat(Files.size(data)).isGreaterThan(48 << 20);

    Result trained =
        ChildProgram.run(
            new ProcessBuilder(
                ChildProgram.command(
                    List.of("-Xmx48m"),
                    "train",
                    "--data",
                    data,
                    "--split",
                    ".98,.01,.01",
                    "--model",
                    "fc",
                    "--loss",
                    "ssm",
                    "--steps",
                    "20",
                    "--backend",
                    "java",
                    "--out",
                    folder.resolve("run"))));

    assertThat(trained.exit()).as(trained.err()).isZero();
    assertThat(trained.out()).contains("test NLL ").contains("8,500 rows");
    // the model starts as z = 1 - x: of normal rows, D/2·(log 2π + 1) nats and a half more
    assertThat(nll(trained.out())).isBetween(22.5, 40.0);
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

  /** The heap would hold Glow's weights: the jets of its networks take far more. */
  @Test
  void whatIsLargerThanTheHeapIsRefusedBeforeItsDataAreReadOrLookedFor() throws Exception {
    Path csv =
        Files.writeString(folder.resolve("rows.csv"), "0.5,".repeat(12_287) + "1.5\nnot,a,row\n");
    Path npy = npy(folder.resolve("rows.npy"), 3, 12_288);
    Path run = folder.resolve("run");

    List<Result> results =
        ChildProgram.runEach(
            List.of("-Xmx200m"),
            Map.of(),
            List.of(
                List.of("train", "--data", csv, "--model", "fc", "--loss", "dsm", "--out", run),
                List.of("train", "--data", npy, "--model", "fc", "--loss", "dsm", "--out", run),
                List.of("train", "stl10-fc-dsm", "--data-dir", folder, "--out", run),
                List.of("train", "mnist-glow-ssm", "--data-dir", folder, "--out", run)));

    assertThat(results).hasSize(4).allSatisfy(LargeDataTest::assertTooLarge);
    assertThat(results.get(2).err()).contains("stl10-fc-dsm on rows of 12,288 columns");
    assertThat(results.get(3).err()).contains("batches of 100 (fewer take less: --batch-size)");
    assertThat(run).doesNotExist();
  }

  @Test
  void aSavedModelLargerThanTheHeapIsRefused() throws Exception {
    Path table = TestRuns.csv(folder.resolve("rows.csv"), "a,b", TestRuns.rows(40, 2, 1));
    Path run = folder.resolve("run");
    Program.succeed(
        "train", "--data", table, "--model", "fc", "--loss", "dsm", "--steps", "1", "--out", run);
    TrainedFlow large =
        new TrainedFlow(
            Flow.of(1500).dense().smoothLeakyRelu(.3).dense().build(),
            Preprocessing.none(),
            new DataDescription("large", List.of(), null, EmpiricalDistribution.unknown(), null),
            1);
    large.save(run.resolve("model.safetensors"), Blas.auto());
    Path csv = folder.resolve("s.csv");
    Path npy = folder.resolve("s.npy");

    assertThat(
            ChildProgram.runEach(
                List.of("-Xmx32m"),
                Map.of(),
                List.of(
                    List.of("eval", run, "--backend", "java"),
                    List.of("score", run, table, "--out", csv, "--backend", "java"),
                    List.of("sample", run, "--count", 1, "--out", npy, "--backend", "java"),
                    List.of("info", run))))
        .hasSize(4)
        .allSatisfy(LargeDataTest::assertTooLarge);
  }
}
