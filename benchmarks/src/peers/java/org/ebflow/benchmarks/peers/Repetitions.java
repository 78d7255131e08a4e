package org.ebflow.benchmarks.peers;

import java.util.ArrayList;
import java.util.List;

/**
 * What a timing process prints.
 *
 * @param millis duration of every repetition after the warm-up
 */
record Repetitions(List<Double> millis) {
  private static final int LEAST = 3;

  /** Repeats a piece of work for so many seconds, and before that, unrecorded, for a warm-up. */
  static Repetitions of(Runnable work, double warmUp, double seconds) {
    repeat(work, warmUp, 1);
    return new Repetitions(repeat(work, seconds, LEAST));
  }

  private static List<Double> repeat(Runnable work, double seconds, int least) {
    List<Double> millis = new ArrayList<>();
    long start = System.nanoTime();
    for (long now = start; now - start < seconds * 1e9 || millis.size() < least; ) {
      work.run();
      long end = System.nanoTime();
      millis.add((end - now) / 1e6);
      now = end;
    }
    return millis;
  }
}
