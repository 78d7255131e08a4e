package org.ebflow.training.data;

/** Which rows of a source were left out: for each how many rows were kept before it, ascending. */
record Skipped(int[] kept) {
  static final Skipped NONE = new Skipped(new int[0]);

  /** How many rows were left out before kept row {@code row}, counted from 0. */
  int before(int row) {
    int low = 0;
    int high = kept.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (kept[middle] <= row) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
