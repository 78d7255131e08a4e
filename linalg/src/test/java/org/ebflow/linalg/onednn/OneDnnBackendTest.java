package org.ebflow.linalg.onednn;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
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
}
