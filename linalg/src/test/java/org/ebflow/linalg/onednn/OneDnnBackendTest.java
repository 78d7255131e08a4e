package org.ebflow.linalg.onednn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.backend.PackedOperand;
import org.junit.jupiter.api.Test;

class OneDnnBackendTest {
  /** Large enough for the library to divide the product, were it allowed to. */
  private static final int SIZE = 512;

  private static final String CALLER = "onednn caller";

  @Test
  void productsStartNoThreadsWhateverTheEnvironmentAllows() throws Exception {
    FutureTask<Long> task = new FutureTask<>(OneDnnBackendTest::threadsAfterAProduct);
    Thread.ofPlatform().name(CALLER).start(task);
    assertThat(task.get()).isEqualTo(1);
  }

  /** The caller and what OpenMP started for it: such threads have their starter's name. */
  private static long threadsAfterAProduct() {
    OneDnnBackend backend = new OneDnnBackend();
    Matrix a = Matrix.allocate(Precision.FLOAT32, SIZE, SIZE);
    Matrix c = Matrix.allocate(Precision.FLOAT32, SIZE, SIZE);
    allowThreads();
    backend.multiply(false, true, SIZE, SIZE, SIZE, 1, a, 0, a, 0, 0, c, 0);
    try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
      return threads.filter(thread -> name(thread).equals(CALLER)).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void allowThreads() {
    try {
      OneDnnGemm.SET_NUM_THREADS.invokeExact(3);
    } catch (Throwable thrown) {
      throw new AssertionError(thrown);
    }
  }

  private static String name(Path thread) {
    try {
      return Files.readString(thread.resolve("comm")).strip();
    } catch (IOException ended) {
      return "";
    }
  }

  @Test
  void packedProductsAreRightWhateverTheEnvironmentAllows() throws Exception {
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              OneDnnBackend backend = new OneDnnBackend();
              Matrix weight = numbers(300, 64);
              Matrix x = numbers(256, 64);
              Matrix y = Matrix.allocate(Precision.FLOAT32, 256, 300);
              Matrix expected = Matrix.allocate(Precision.FLOAT32, 256, 300);
              backend.multiply(false, true, 256, 300, 64, 1, x, 0, weight, 0, 0, expected, 0);
              allowThreads();
              PackedOperand packed = backend.pack(256, false, weight);
              assumeTrue(packed != null, "oneDNN has no such product here");
              try (packed) {
                allowThreads();
                packed.multiply(x, y, 256);
              }
              for (int i = 0; i < y.size(); i++) {
                assertThat(y.floats()[i]).isCloseTo(expected.floats()[i], within(1e-4f));
              }
              return null;
            });
    Thread.ofPlatform().start(task);
    task.get();
  }

  private static Matrix numbers(int rows, int columns) {
    Matrix result = Matrix.allocate(Precision.FLOAT32, rows, columns);
    for (int i = 0; i < result.size(); i++) {
      result.floats()[i] = (i * 37 % 101 - 50) / 50f;
    }
    return result;
  }
}
