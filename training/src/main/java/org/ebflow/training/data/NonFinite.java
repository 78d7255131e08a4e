package org.ebflow.training.data;

/** Finds NaN and ±Inf. */
final class NonFinite {
  private NonFinite() {}

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
