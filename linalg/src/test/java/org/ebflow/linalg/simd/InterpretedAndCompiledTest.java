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
import org.ebflow.linalg.ChildJvm;
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
  private static final int ROWS = 2;
  private static final int WIDTH = 37;
  private static final int WARM_UP_CALLS = 3000;
  private static final long SECONDS = 600;

  /** One line per kernel and precision: its name and the hash of everything it wrote. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      hashes(0).forEach((name, hash) -> System.out.println(name + "=" + hash));
    }
  }

  private static Map<String, String> hashes(int warmUpCalls) {
    Map<String, String> hashes = new TreeMap<>();
    for (Precision precision : Precision.values()) {
      Kernels kernels = KernelChoice.fastest(precision);
      Operation.all()
          .forEach(
              (name, operation) -> {
                Runnable warmUp =
                    operation.prepare(kernels, new Arena(precision, 1, false), ROWS, WIDTH);
                for (int i = 0; i < warmUpCalls; i++) {
                  warmUp.run();
                }
                Arena arena = new Arena(precision, 2, false);
                operation.prepare(kernels, arena, ROWS, WIDTH).run();
                hashes.put(name + " " + precision, Long.toHexString(hash(arena)));
              });
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
        ChildJvm.of(Child.class, List.of("-Xint")).redirectOutput(output.toFile()).start();
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
