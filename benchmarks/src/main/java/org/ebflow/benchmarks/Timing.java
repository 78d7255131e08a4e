package org.ebflow.benchmarks;

import java.util.Arrays;

/**
 * Times of repeated runs of one piece of work, in milliseconds.
 *
 * @param runs number of runs
 * @param best shortest
 * @param median half of the runs were shorter
 * @param p90 nine in ten runs were shorter
 */
public record Timing(int runs, double best, double median, double p90) {
  private static final int LEAST_RUNS = 5;
  private static final double TURN_SECONDS = 0.25;

  /** A piece of work, done once. */
  interface Work {
    void run();
  }

  /**
   * Times pieces of work in turns of at most a quarter of a second, so that what else the machine
   * does falls on all alike.
   *
   * @param seconds for each of them; as long again goes before, unrecorded
   */
  static Timing[] of(double seconds, Work... works) {
    double[][] millis = new double[works.length][];
    for (int i = 0; i < works.length; i++) {
      turn(works[i], seconds);
      millis[i] = new double[0];
    }
    double[] spent = new double[works.length];
    for (boolean more = true; more; ) {
      more = false;
      for (int i = 0; i < works.length; i++) {
        if (spent[i] < seconds || millis[i].length < LEAST_RUNS) {
          double[] turn = turn(works[i], Math.min(TURN_SECONDS, seconds));
          int before = millis[i].length;
          millis[i] = Arrays.copyOf(millis[i], before + turn.length);
          System.arraycopy(turn, 0, millis[i], before, turn.length);
          spent[i] += Arrays.stream(turn).sum() / 1e3;
          more = true;
        }
      }
    }
    return Arrays.stream(millis).map(Timing::of).toArray(Timing[]::new);
  }

  /** Milliseconds of each run; at least one. */
  private static double[] turn(Work work, double seconds) {
    double[] millis = new double[16];
    int runs = 0;
    long start = System.nanoTime();
    long now = start;
    do {
      if (runs == millis.length) {
        millis = Arrays.copyOf(millis, 2 * runs);
      }
      work.run();
      long end = System.nanoTime();
      millis[runs++] = (end - now) / 1e6;
      now = end;
    } while (now - start < seconds * 1e9);
    return Arrays.copyOf(millis, runs);
  }

  /** Of runs that took so long, at least one. */
  public static Timing of(double... millis) {
    double[] sorted = millis.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    double median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    return new Timing(n, sorted[0], median, sorted[Math.min(n - 1, n * 9 / 10)]);
  }
}
