package org.ebflow.training.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Collects rows of doubles into blocks of at most about a million values. */
final class RealsBuilder {
  private static final int VALUES_PER_BLOCK = 1 << 20;

  private final int dimension;
  private final int shift;
  private final List<double[]> blocks = new ArrayList<>();
  private int rows;
  private final IntStream.Builder skipped = IntStream.builder();

  RealsBuilder(int dimension) {
    this.dimension = dimension;
    this.shift = 31 - Integer.numberOfLeadingZeros(Math.max(1, VALUES_PER_BLOCK / dimension));
  }

  /** Appends the first {@code dimension} values of {@code row}. */
  void add(double[] row) {
    int within = rows & ((1 << shift) - 1);
    if (within == 0) {
      blocks.add(new double[dimension << shift]);
    }
    System.arraycopy(row, 0, blocks.getLast(), within * dimension, dimension);
    rows = Math.incrementExact(rows);
  }

  /** Tells of a row of the source that is left out here. */
  void skip() {
    skipped.add(rows);
  }

  /** The rows left out; to be asked once. */
  Skipped skipped() {
    return new Skipped(skipped.build().toArray());
  }

  int rows() {
    return rows;
  }

  /** The rows added; the builder must not be used afterwards. */
  Storage.Reals build() {
    int within = rows & ((1 << shift) - 1);
    if (within != 0) {
      blocks.set(blocks.size() - 1, Arrays.copyOf(blocks.getLast(), within * dimension));
    }
    return new Storage.Reals(blocks.toArray(double[][]::new), shift, rows, dimension);
  }
}
