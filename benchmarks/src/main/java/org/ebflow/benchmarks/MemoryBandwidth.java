package org.ebflow.benchmarks;

import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;

/**
 * STREAM triad, a ← b + s·c over arrays larger than the caches.
 *
 * @param threads workers that shared the arrays
 * @param triad of one pass
 * @param bytes of one pass: read and written by the program, as STREAM counts
 */
record MemoryBandwidth(int threads, Timing triad, long bytes) {
  /** GB/s of the median pass. */
  double median() {
    return bytes / triad.median() / 1e6;
  }

  /** GB/s of the best pass. */
  double best() {
    return bytes / triad.best() / 1e6;
  }

  /** Checks the answer, then measures. */
  static MemoryBandwidth measure(int elements, Team team, double seconds) {
    float[] a = new float[elements];
    float[] b = new float[elements];
    float[] c = new float[elements];
    team.run(
        worker -> {
          for (int i = worker.from(elements); i < worker.to(elements); i++) {
            b[i] = i & 255;
            c[i] = i & 127;
          }
        });
    Team.Program pass = worker -> triad(worker, a, b, c);
    team.run(pass);
    for (int i = 0; i < elements; i += 1021) {
      if (a[i] != (i & 255) + 3 * (i & 127)) {
        throw new IllegalStateException("triad is wrong at " + i + ": " + a[i]);
      }
    }
    return new MemoryBandwidth(
        team.size(), Timing.of(seconds, () -> team.run(pass))[0], 12L * elements);
  }

  private static void triad(Worker worker, float[] a, float[] b, float[] c) {
    int to = worker.to(a.length);
    for (int i = worker.from(a.length); i < to; i++) {
      a[i] = b[i] + 3 * c[i];
    }
  }
}
