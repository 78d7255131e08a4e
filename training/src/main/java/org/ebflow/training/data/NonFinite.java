package org.ebflow.training.data;

/** Finds NaN and ±Inf. */
final class NonFinite {
  private NonFinite() {}

  /**
   * How many rows come before the first with NaN or ±Inf.
   *
   * @param values [rows,columns] from {@code from} on
   */
  static int rowsBefore(double[] values, int from, int rows, int columns) {
    if (allFinite(values, from, from + rows * columns)) {
      return rows;
    }
    int good = 0;
    while (allFinite(values, from + good * columns, from + (good + 1) * columns)) {
      good++;
    }
    return good;
  }

  /** By x·0, which is NaN for NaN and ±Inf alone, in four sums that wait for no other. */
  private static boolean allFinite(double[] values, int from, int to) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int i = from;
    for (; i < to - 3; i += 4) {
      a += values[i] * 0;
      b += values[i + 1] * 0;
      c += values[i + 2] * 0;
      d += values[i + 3] * 0;
    }
    for (; i < to; i++) {
      a += values[i] * 0;
    }
    return a + b + c + d == 0;
  }

  /** Index of the first value that is NaN or ±Inf, or -1. */
  static int firstIn(double[] values) {
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        return i;
      }
    }
    return -1;
  }
}
