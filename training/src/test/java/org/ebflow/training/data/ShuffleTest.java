package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;

class ShuffleTest {
  private static int[] order(int rows, long seed, long epoch) {
    int[] order = new int[rows];
    Shuffle.fill(order, seed, epoch);
    return order;
  }

  @Test
  void isAPermutation() {
    for (int rows : new int[] {0, 1, 2, 3, 10, 1001}) {
      int[] sorted = order(rows, 7, 3);
      Arrays.sort(sorted);
      assertThat(sorted).containsExactly(IntStream.range(0, rows).toArray());
    }
  }

  @Test
  void dependsOnSeedAndEpochOnly() {
    assertThat(order(100, 1, 2)).containsExactly(order(100, 1, 2));
    assertThat(order(100, 1, 2))
        .isNotEqualTo(order(100, 1, 3))
        .isNotEqualTo(order(100, 2, 2))
        .isNotEqualTo(order(100, 2, 1));
  }

  @Test
  void staysTheSameAcrossVersions() {
    assertThat(order(8, 42, 0)).containsExactly(6, 4, 5, 7, 3, 2, 1, 0);
  }

  @Test
  void placesEveryRowEverywhereEquallyOften() {
    int[][] counts = new int[5][5];
    int epochs = 20_000;
    for (int epoch = 0; epoch < epochs; epoch++) {
      int[] order = order(5, 9, epoch);
      for (int i = 0; i < 5; i++) {
        counts[i][order[i]]++;
      }
    }
    double fiveDeviations = 5 * Math.sqrt(epochs * .2 * .8);
    for (int[] row : counts) {
      for (int count : row) {
        assertThat((double) count)
            .isBetween(epochs * .2 - fiveDeviations, epochs * .2 + fiveDeviations);
      }
    }
  }

  @Test
  void refillingAndGatheringAllocateNothing() {
    Dataset data = Dataset.of(new double[64][8]);
    Matrix batch = Matrix.allocate(Precision.FLOAT32, 16, 8);
    int[] order = new int[64];
    Runnable work =
        () -> {
          Shuffle.fill(order, 1, 2);
          data.copyRows(order, 16, 32, batch, 0);
        };
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (int i = 0; i < 10; i++) {
      work.run();
    }
    threads.getCurrentThreadAllocatedBytes();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 1000; i++) {
      work.run();
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before)
        .isLessThan(1000); // below one byte a refill
  }
}
