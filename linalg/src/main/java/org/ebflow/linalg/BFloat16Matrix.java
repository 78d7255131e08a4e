package org.ebflow.linalg;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

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
  private final int stride;
  private final SegmentCache slices;

  private BFloat16Matrix(short[] array, int offset, int rows, int columns, int stride) {
    this.array = array;
    this.offset = offset;
    this.rows = rows;
    this.columns = columns;
    this.stride = stride;
    this.slices = new SegmentCache(MemorySegment.ofArray(array), Short.BYTES);
  }

  /** A zeroed matrix of its own array. */
  public static BFloat16Matrix allocate(int rows, int columns) {
    short[] array = new short[Math.multiplyExact(rows, columns)];
    return new BFloat16Matrix(array, 0, rows, columns, columns);
  }

  @Override
  public BFloat16Matrix rows(int from, int to) {
    checkRange("rows", from, to, rows);
    return new BFloat16Matrix(array, offset + from * stride, to - from, columns, stride);
  }

  @Override
  public BFloat16Matrix columns(int from, int to) {
    checkRange("columns", from, to, columns);
    return new BFloat16Matrix(array, offset + from, rows, to - from, stride);
  }

  @Override
  public BFloat16Matrix reshape(int newRows, int newColumns) {
    if (!contiguous() || (long) newRows * newColumns != (long) rows * columns) {
      throw new IllegalArgumentException(
          "BFloat16Matrix.reshape: " + this + " to [" + newRows + "," + newColumns + "]");
    }
    return new BFloat16Matrix(array, offset, newRows, newColumns, newColumns);
  }

  private void checkRange(String what, int from, int to, int size) {
    if (from < 0 || to < from || to > size) {
      throw new IllegalArgumentException(
          "BFloat16Matrix." + what + ": " + from + ".." + to + " of " + this);
    }
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

  @Override
  public int stride() {
    return stride;
  }

  /** Whether the elements lie without gaps, so that they may be read as one vector. */
  public boolean contiguous() {
    return stride == columns || rows <= 1;
  }

  /** Element (r, c). For tests; kernels read the array. */
  public float get(int r, int c) {
    if (r < 0 || r >= rows || c < 0 || c >= columns) {
      throw new IndexOutOfBoundsException("(" + r + "," + c + ") of " + this);
    }
    return Float.intBitsToFloat(array[offset + r * stride + c] << Short.SIZE);
  }

  /** Sets all elements to zero. */
  public void clear() {
    for (int r = 0; r < rows; r++) {
      int from = offset + r * stride;
      Arrays.fill(array, from, from + columns, (short) 0);
    }
  }

  @Override
  public String toString() {
    return "[" + rows + "," + columns + "] BFLOAT16";
  }
}
