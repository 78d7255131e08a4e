package org.ebflow.linalg.simd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The interpreter and the compilers must agree to the last bit, or a resumed run would not repeat
 * the one that went on.
 */
class InterpretedAndCompiledTest {
  private static final List<String> NAMES =
      List.of(
          "noise.gaussian",
          "noise.rademacher",
          "noise.uniform",
          "smoothLeakyRelu, log-determinant, forward0",
          "smoothLeakyRelu, log-determinant, forward1",
          "smoothLeakyRelu, log-determinant, pullBack2",
          "smoothLeakyRelu.inverse",
          "swish, forward0",
          "swish, pullBack2 to the highest order",
          "elu, forward0",
          "tanh, forward0",
          "logit, log-determinant, forward0",
          "logit, log-determinant, forward2",
          "monotoneSpline, log-determinant, forward0",
          "monotoneSpline, log-determinant, pullBack2 to the highest order",
          "monotoneSpline.inverse",
          "monotoneSpline.sumCotangents of order 3",
          "monotoneSpline.tabulate",
          "optimizer.rmsProp",
          "optimizer.adam, decoupled");
  private static final int ROWS = 2;
  private static final int WIDTH = 37;
  private static final int WARM_UP_CALLS = 3000;
  private static final long SECONDS = 120;

  /** One line per kernel and precision: its name and the hash of everything it wrote. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      hashes(0).forEach((name, hash) -> System.out.println(name + "=" + hash));
    }
  }

  private static Map<String, String> hashes(int warmUpCalls) {
    Map<String, Operation> all = Operation.all();
    Map<String, String> hashes = new TreeMap<>();
    for (Precision precision : Precision.values()) {
      Kernels kernels = KernelChoice.fastest(precision);
      for (String name : NAMES) {
        Runnable warmUp =
            all.get(name).prepare(kernels, new Arena(precision, 1, false), ROWS, WIDTH);
        for (int i = 0; i < warmUpCalls; i++) {
          warmUp.run();
        }
        Arena arena = new Arena(precision, 2, false);
        all.get(name).prepare(kernels, arena, ROWS, WIDTH).run();
        hashes.put(name + " " + precision, Long.toHexString(hash(arena)));
      }
    }
    return hashes;
  }

  private static long hash(Arena arena) {
    List<Matrix> matrices = new ArrayList<>(arena.wholes());
    matrices.addAll(arena.sums());
    long hash = 0;
    for (Matrix matrix : matrices) {
      for (int c = 0; c < matrix.columns(); c++) {
        hash = 31 * hash + Double.doubleToLongBits(matrix.get(0, c));
      }
    }
    return hash;
  }

  @Test
  void interpretedKernelsHaveTheBitsOfCompiledOnes(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path output = folder.resolve("hashes.txt");
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xint",
                "--add-modules=jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName())
            .redirectOutput(output.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    Map<String, String> compiled;
    try {
      compiled = hashes(WARM_UP_CALLS);
      assertThat(child.waitFor(SECONDS, TimeUnit.SECONDS))
          .as("the interpreter ends in %d s", SECONDS)
          .isTrue();
    } finally {
      child.destroyForcibly();
    }
    List<String> lines = Files.readAllLines(output, StandardCharsets.UTF_8);
    assertThat(lines)
        .containsExactlyElementsOf(
            compiled.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList());
  }
}
