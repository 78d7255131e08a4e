package org.ebflow.training.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Collects rows of doubles: in blocks of at most about a million values, or, where they are more
 * than a limit, in a file that is mapped.
 */
final class RealsBuilder implements AutoCloseable {
  private static final int VALUES_PER_BLOCK = 1 << 20;

  private final int dimension;
  private final int shift;
  private final String name;
  private final long most;
  private final long expected;
  private final List<double[]> blocks = new ArrayList<>();
  private @Nullable ScratchRows beyond;
  private int rows;
  private final IntStream.Builder skipped = IntStream.builder();

  /** Of rows that memory holds. */
  RealsBuilder(int dimension) {
    this(dimension, "", Long.MAX_VALUE, -1);
  }

  /**
   * Of rows that may be more than memory holds.
   *
   * @param name of the table, for messages
   * @param most bytes of values that are held in memory
   * @param expected number of rows, or -1 where it is not known
   */
  RealsBuilder(int dimension, String name, long most, long expected) {
    this.dimension = dimension;
    this.name = name;
    this.most = most;
    this.expected = expected;
    shift = 31 - Integer.numberOfLeadingZeros(Math.max(1, VALUES_PER_BLOCK / dimension));
  }

  /**
   * Compares what the rows take of the disk, if their number is known and they are too many for
   * memory, with what is left of it.
   */
  void requireSpace() {
    if (exceeds(expected)) {
      ScratchRows.requireSpace(name, expected * dimension, NpyType.FLOAT32);
    }
  }

  private boolean exceeds(long count) {
    return count > most / Double.BYTES / dimension;
  }

  /** Appends the first {@code dimension} values of {@code row}. */
  void add(double[] row) {
    if (beyond == null && exceeds(Math.max(rows + 1L, expected))) {
      beyond = moved();
    }
    if (beyond != null) {
      beyond.add(row, 0);
    } else {
      int within = within(rows);
      if (within == 0) {
        blocks.add(new double[dimension << shift]);
      }
      System.arraycopy(row, 0, blocks.getLast(), within * dimension, dimension);
    }
    rows = Math.incrementExact(rows);
  }

  private int within(int row) {
    return row & ((1 << shift) - 1);
  }

  /** The rows so far, in a file; no block has them any longer. */
  private ScratchRows moved() {
    ScratchRows file = new ScratchRows(dimension, name, expected);
    for (int r = 0; r < rows; r++) {
      file.add(blocks.get(r >>> shift), within(r) * dimension);
    }
    blocks.clear();
    return file;
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
  Storage build() {
    if (beyond != null) {
      return beyond.build();
    }
    int within = within(rows);
    if (within != 0) {
      blocks.set(blocks.size() - 1, Arrays.copyOf(blocks.getLast(), within * dimension));
    }
    return new Storage.Reals(blocks.toArray(double[][]::new), shift, rows, dimension);
  }

  /** Lets go of a file; what was built of it stays. */
  @Override
  public void close() throws IOException {
    if (beyond != null) {
      beyond.close();
    }
  }
}
