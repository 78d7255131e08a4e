package org.ebflow.training.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a mapped file, which the system reads and drops as memory allows.
 *
 * <p>A file that is shortened while it is mapped ends the program.
 */
final class MappedRows implements Storage {
  private final MemorySegment elements;
  private final NpyType type;
  private final boolean swapped;
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
    swapped = order != ByteOrder.nativeOrder();
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
    switch (type) {
      case FLOAT32 -> {
        for (int i = 0; i < dimension; i++) {
          target[at + i] = float32(start + place(i));
        }
      }
      case FLOAT64 -> {
        for (int i = 0; i < dimension; i++) {
          target[at + i] = (float) float64(start + place(i));
        }
      }
      default -> {
        for (int i = 0; i < dimension; i++) {
          target[at + i] = uint8(start + place(i));
        }
      }
    }
  }

  @Override
  public void copy(int row, double[] target, int at) {
    long start = (long) row * width;
    int dimension = dimension();
    switch (type) {
      case FLOAT32 -> {
        for (int i = 0; i < dimension; i++) {
          target[at + i] = float32(start + place(i));
        }
      }
      case FLOAT64 -> {
        for (int i = 0; i < dimension; i++) {
          target[at + i] = float64(start + place(i));
        }
      }
      default -> {
        for (int i = 0; i < dimension; i++) {
          target[at + i] = uint8(start + place(i));
        }
      }
    }
  }

  @Override
  public MappedRows select(int[] chosen) {
    return new MappedRows(
        elements,
        type,
        swapped ? other(ByteOrder.nativeOrder()) : ByteOrder.nativeOrder(),
        rows,
        width,
        IntStream.of(chosen).map(this::place).toArray());
  }

  private static ByteOrder other(ByteOrder order) {
    return order == ByteOrder.BIG_ENDIAN ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
  }

  private int place(int value) {
    return columns == null ? value : columns[value];
  }

  // Layouts that are constants: a get through one in a field is several times slower.

  private float float32(long i) {
    int bits = elements.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * i);
    return Float.intBitsToFloat(swapped ? Integer.reverseBytes(bits) : bits);
  }

  private double float64(long i) {
    long bits = elements.get(ValueLayout.JAVA_LONG_UNALIGNED, 8 * i);
    return Double.longBitsToDouble(swapped ? Long.reverseBytes(bits) : bits);
  }

  private int uint8(long i) {
    return elements.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
  }
}
