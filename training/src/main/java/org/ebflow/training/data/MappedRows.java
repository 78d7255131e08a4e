package org.ebflow.training.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a mapped file, which the system reads and drops as memory allows.
 *
 * <p>A file that is shortened while it is mapped ends the program.
 */
final class MappedRows implements Storage {
  private final MemorySegment elements;
  private final NpyType type;
  private final ValueLayout.OfFloat floats;
  private final ValueLayout.OfDouble doubles;
  private final int rows;
  private final int width;
  private final int @Nullable [] columns;

  /**
   * @param elements [rows,width] of that type, row after row
   * @param type one that {@link #maps}
   * @param columns of the file that are the values of a row, in this order; null for all
   */
  MappedRows(
      MemorySegment elements,
      NpyType type,
      ByteOrder order,
      int rows,
      int width,
      int @Nullable [] columns) {
    if (elements.byteSize() != (long) rows * width * type.bytes() || !maps(type)) {
      throw new IllegalArgumentException(
          "MappedRows: "
              + elements.byteSize()
              + " bytes are not ["
              + rows
              + ","
              + width
              + "] of "
              + type.code());
    }
    this.elements = elements;
    this.type = type;
    this.rows = rows;
    this.width = width;
    this.columns = columns;
    floats = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(order);
    doubles = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(order);
  }

  /** Whether elements of that type are read where they lie. */
  static boolean maps(NpyType type) {
    return type == NpyType.UINT8 || type == NpyType.FLOAT32 || type == NpyType.FLOAT64;
  }

  @Override
  public long heapBytes() {
    return 0;
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int dimension() {
    return columns == null ? width : columns.length;
  }

  @Override
  public void copy(int row, float[] target, int at) {
    long start = (long) row * width;
    int dimension = dimension();
    for (int i = 0; i < dimension; i++) {
      target[at + i] = (float) element(start + (columns == null ? i : columns[i]));
    }
  }

  @Override
  public void copy(int row, double[] target, int at) {
    long start = (long) row * width;
    int dimension = dimension();
    for (int i = 0; i < dimension; i++) {
      target[at + i] = element(start + (columns == null ? i : columns[i]));
    }
  }

  private double element(long i) {
    return switch (type) {
      case FLOAT32 -> elements.get(floats, 4 * i);
      case FLOAT64 -> elements.get(doubles, 8 * i);
      default -> elements.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
    };
  }
}
