package org.ebflow.linalg;

import java.lang.foreign.MemorySegment;

/**
 * Row-major view of bfloat16 numbers on the heap, the upper halves of float32 numbers: eight bits
 * of precision, the range of float32. An operand of products whose sums are float32. {@link
 * BFloat16Kernels#round} writes it.
 *
 * <p>Threading: as {@link Matrix}.
 */
public final class BFloat16Matrix implements Operand {
  private final short[] array;
  private final int offset;
  private final int rows;
  private final int columns;
  private final SegmentCache slices;

  private BFloat16Matrix(short[] array, int offset, int rows, int columns) {
    this.array = array;
    this.offset = offset;
    this.rows = rows;
    this.columns = columns;
    this.slices = new SegmentCache(MemorySegment.ofArray(array), Short.BYTES);
  }

  /** A zeroed matrix of its own array. */
  public static BFloat16Matrix allocate(int rows, int columns) {
    return new BFloat16Matrix(new short[Math.multiplyExact(rows, columns)], 0, rows, columns);
  }

  /** View of rows {@code from} (inclusive) to {@code to} (exclusive). */
  public BFloat16Matrix rows(int from, int to) {
    if (from < 0 || to < from || to > rows) {
      throw new IllegalArgumentException(
          "BFloat16Matrix.rows: " + from + ".." + to + " of " + this);
    }
    return new BFloat16Matrix(array, offset + from * columns, to - from, columns);
  }

  /** The shared array. */
  public short[] array() {
    return array;
  }

  @Override
  public MemorySegment segment(int from) {
    return slices.from(from);
  }

  @Override
  public int offset() {
    return offset;
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  /** The number of columns: rows follow each other without gaps. */
  @Override
  public int stride() {
    return columns;
  }

  /** Element (r, c). For tests; kernels read the array. */
  public float get(int r, int c) {
    if (r < 0 || r >= rows || c < 0 || c >= columns) {
      throw new IndexOutOfBoundsException("(" + r + "," + c + ") of " + this);
    }
    return Float.intBitsToFloat(array[offset + r * columns + c] << Short.SIZE);
  }

  @Override
  public String toString() {
    return "[" + rows + "," + columns + "] BFLOAT16";
  }
}
