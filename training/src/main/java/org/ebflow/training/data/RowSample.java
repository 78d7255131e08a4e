package org.ebflow.training.data;

import java.util.ArrayList;
import java.util.List;

/**
 * Evenly spaced rows of a table whose length is not known before its end: every k-th, where k
 * doubles whenever they are too many.
 */
final class RowSample {
  private static final int MOST_ROWS = 20_000;
  private static final int MOST_NUMBERS = 1 << 21;
  private static final int LEAST_ROWS = 50;

  private final int dimension;
  private List<double[]> rows = new ArrayList<>();
  private long seen;
  private long spacing = 1;

  RowSample(int dimension) {
    this.dimension = dimension;
  }

  /** Most rows of so many numbers that a sample holds. */
  static int most(int dimension) {
    return Math.clamp(MOST_NUMBERS / dimension, LEAST_ROWS, MOST_ROWS);
  }

  /** Takes a copy of the table's next row, or none. */
  void add(double[] row) {
    if (seen++ % spacing != 0) {
      return;
    }
    if (rows.size() == most(dimension)) {
      List<double[]> kept = new ArrayList<>();
      for (int i = 0; i < rows.size(); i += 2) {
        kept.add(rows.get(i));
      }
      rows = kept;
      spacing *= 2;
      if ((seen - 1) % spacing != 0) {
        return;
      }
    }
    rows.add(row.clone());
  }

  /** The rows taken. */
  RealsBuilder rows() {
    RealsBuilder values = new RealsBuilder(dimension);
    rows.forEach(values::add);
    return values;
  }
}
