package org.ebflow.training.data;

/** The values of a data set as they lie in memory or in a mapped file, shared by all its views. */
sealed interface Storage permits Storage.Pixels, Storage.Reals, MappedRows {
  /** Number of rows. */
  int rows();

  /** Values per row. */
  int dimension();

  /** Bytes of the Java heap that they take. */
  long heapBytes();

  /** Copies a row to {@code target[at…]}. */
  void copy(int row, float[] target, int at);

  /** Copies a row to {@code target[at…]}. */
  void copy(int row, double[] target, int at);

  /** All rows with some of their values, in that order: a copy, unless they are mapped. */
  default Storage select(int[] columns) {
    RealsBuilder kept = new RealsBuilder(columns.length);
    double[] row = new double[dimension()];
    double[] part = new double[columns.length];
    for (int r = 0; r < rows(); r++) {
      copy(r, row, 0);
      for (int i = 0; i < part.length; i++) {
        part[i] = row[columns[i]];
      }
      kept.add(part);
    }
    return kept.build();
  }

  /** One unsigned byte a value. */
  final class Pixels implements Storage {
    private final byte[] values;
    private final int rows;
    private final int dimension;

    Pixels(byte[] values, int rows, int dimension) {
      this.values = values;
      this.rows = rows;
      this.dimension = dimension;
    }

    @Override
    public long heapBytes() {
      return values.length;
    }

    @Override
    public int rows() {
      return rows;
    }

    @Override
    public int dimension() {
      return dimension;
    }

    @Override
    public void copy(int row, float[] target, int at) {
      int from = row * dimension;
      for (int i = 0; i < dimension; i++) {
        target[at + i] = values[from + i] & 0xFF;
      }
    }

    @Override
    public void copy(int row, double[] target, int at) {
      int from = row * dimension;
      for (int i = 0; i < dimension; i++) {
        target[at + i] = values[from + i] & 0xFF;
      }
    }
  }

  /**
   * Doubles in blocks of 2^shift rows, so that a table grows without copying and may exceed one
   * array.
   */
  final class Reals implements Storage {
    private final double[][] blocks;
    private final int shift;
    private final int rows;
    private final int dimension;

    Reals(double[][] blocks, int shift, int rows, int dimension) {
      this.blocks = blocks;
      this.shift = shift;
      this.rows = rows;
      this.dimension = dimension;
    }

    @Override
    public long heapBytes() {
      return (long) rows * dimension * Double.BYTES;
    }

    @Override
    public int rows() {
      return rows;
    }

    @Override
    public int dimension() {
      return dimension;
    }

    @Override
    public void copy(int row, float[] target, int at) {
      double[] block = blocks[row >>> shift];
      int from = (row & ((1 << shift) - 1)) * dimension;
      for (int i = 0; i < dimension; i++) {
        target[at + i] = (float) block[from + i];
      }
    }

    @Override
    public void copy(int row, double[] target, int at) {
      System.arraycopy(
          blocks[row >>> shift], (row & ((1 << shift) - 1)) * dimension, target, at, dimension);
    }
  }
}
