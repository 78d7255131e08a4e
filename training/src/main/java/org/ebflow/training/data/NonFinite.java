package org.ebflow.training.data;

/** Finds NaN and ±Inf. */
final class NonFinite {
  /** The bits of a float64's exponent, all set where it is NaN or ±Inf. */
  private static final long EXPONENT = 0x7FF0L << 48;

  private NonFinite() {}

  /**
   * How many rows come before the first with NaN or ±Inf.
   *
   * @param values [rows,columns] from {@code from} on
   */
  static int rowsBefore(double[] values, int from, int rows, int columns) {
    for (int r = 0; r < rows; r++) {
      int start = from + r * columns;
      long carry = 0; // into the sign, out of an exponent with all bits set
      for (int i = start; i < start + columns; i++) {
        carry |= (Double.doubleToRawLongBits(values[i]) & EXPONENT) + (1L << 52);
      }
      if (carry < 0) {
        return r;
      }
    }
    return rows;
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
