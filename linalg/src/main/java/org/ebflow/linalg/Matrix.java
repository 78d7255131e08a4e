package org.ebflow.linalg;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * Row-major view of a heap array: element (r, c) lies at {@code offset + r·stride + c}.
 *
 * <p>The view is immutable, its elements are not. Sub-views share the array. Creating a view
 * allocates, so hot paths create theirs once, in a workspace.
 *
 * <p>Threading: views may be shared; writers of overlapping elements must be ordered by the caller.
 */
public final class Matrix implements Operand {
  private final Precision precision;
  private final Object array;
  private final int offset;
  private final int rows;
  private final int columns;
  private final int stride;
  private final SegmentCache slices;

  private Matrix(Precision precision, Object array, int offset, int rows, int columns, int stride) {
    this.precision = precision;
    this.array = array;
    this.offset = offset;
    this.rows = rows;
    this.columns = columns;
    this.stride = stride;
    this.slices =
        new SegmentCache(
            precision == Precision.FLOAT32
                ? MemorySegment.ofArray((float[]) array)
                : MemorySegment.ofArray((double[]) array),
            precision.bytes());
  }

  /** A zeroed matrix of its own array. */
  public static Matrix allocate(Precision precision, int rows, int columns) {
    if (rows < 0 || columns < 0) {
      throw new IllegalArgumentException(
          "Matrix.allocate: shape [" + rows + "," + columns + "] is negative");
    }
    if ((long) rows * columns > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "Matrix.allocate: [" + rows + "," + columns + "] does not fit one Java array");
    }
    return new Matrix(precision, precision.allocate(rows * columns), 0, rows, columns, columns);
  }

  /** A view of the whole {@code array}, which must have {@code rows·columns} elements. */
  public static Matrix of(float[] array, int rows, int columns) {
    return checked(Precision.FLOAT32, array, array.length, rows, columns);
  }

  /** A view of the whole {@code array}, which must have {@code rows·columns} elements. */
  public static Matrix of(double[] array, int rows, int columns) {
    return checked(Precision.FLOAT64, array, array.length, rows, columns);
  }

  /** Copies rows of equal length into a new matrix. */
  public static Matrix ofRows(Precision precision, double[][] rows) {
    int columns = rows.length == 0 ? 0 : rows[0].length;
    Matrix result = allocate(precision, rows.length, columns);
    for (int r = 0; r < rows.length; r++) {
      if (rows[r].length != columns) {
        throw new IllegalArgumentException(
            "Matrix.ofRows: row " + r + " has " + rows[r].length + " values, row 0 has " + columns);
      }
      for (int c = 0; c < columns; c++) {
        result.set(r, c, rows[r][c]);
      }
    }
    return result;
  }

  private static Matrix checked(
      Precision precision, Object array, int length, int rows, int columns) {
    if (rows < 0 || columns < 0 || (long) rows * columns != length) {
      throw new IllegalArgumentException(
          "Matrix.of: array of " + length + " elements, expected [" + rows + "," + columns + "]");
    }
    return new Matrix(precision, array, 0, rows, columns, columns);
  }

  @Override
  public Matrix rows(int from, int to) {
    checkRange("rows", from, to, rows);
    return new Matrix(precision, array, offset + from * stride, to - from, columns, stride);
  }

  @Override
  public Matrix columns(int from, int to) {
    checkRange("columns", from, to, columns);
    return new Matrix(precision, array, offset + from, rows, to - from, stride);
  }

  @Override
  public Matrix reshape(int newRows, int newColumns) {
    if (!contiguous() || (long) newRows * newColumns != (long) rows * columns) {
      throw new IllegalArgumentException(
          "Matrix.reshape: " + this + " to [" + newRows + "," + newColumns + "]");
    }
    return new Matrix(precision, array, offset, newRows, newColumns, newColumns);
  }

  private void checkRange(String what, int from, int to, int size) {
    if (from < 0 || to < from || to > size) {
      throw new IllegalArgumentException(
          "Matrix." + what + ": " + from + ".." + to + " of " + this);
    }
  }

  /** Format of the elements. */
  public Precision precision() {
    return precision;
  }

  /** The shared array of a float32 matrix. */
  public float[] floats() {
    return (float[]) array;
  }

  /** The shared array of a float64 matrix. */
  public double[] doubles() {
    return (double[]) array;
  }

  /** The shared array, {@code float[]} or {@code double[]}. */
  public Object array() {
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

  /** Number of elements. */
  public int size() {
    return rows * columns;
  }

  /** Element (r, c). For tests and small matrices; kernels read the array. */
  public double get(int r, int c) {
    int at = index(r, c);
    return precision == Precision.FLOAT32 ? floats()[at] : doubles()[at];
  }

  /** Sets element (r, c), rounding to the precision. */
  public void set(int r, int c, double value) {
    int at = index(r, c);
    if (precision == Precision.FLOAT32) {
      floats()[at] = (float) value;
    } else {
      doubles()[at] = value;
    }
  }

  private int index(int r, int c) {
    if (r < 0 || r >= rows || c < 0 || c >= columns) {
      throw new IndexOutOfBoundsException("(" + r + "," + c + ") of " + this);
    }
    return offset + r * stride + c;
  }

  /** Sets every element. */
  public void fill(double value) {
    for (int r = 0; r < rows; r++) {
      int from = offset + r * stride;
      if (precision == Precision.FLOAT32) {
        Arrays.fill(floats(), from, from + columns, (float) value);
      } else {
        Arrays.fill(doubles(), from, from + columns, value);
      }
    }
  }

  /**
   * Copies all elements of a matrix of the same shape, converting its precision. The two must not
   * overlap.
   */
  public void copyFrom(Matrix source) {
    if (source.rows != rows || source.columns != columns) {
      throw new IllegalArgumentException("Matrix.copyFrom: " + source + " into " + this);
    }
    for (int r = 0; r < rows; r++) {
      copyRow(source, r, r);
    }
  }

  /**
   * Copies row {@code sourceRow} of a matrix as wide as this one to row {@code row}, converting its
   * precision.
   *
   * @throws IllegalArgumentException if it has another width
   * @throws IndexOutOfBoundsException if there is no such row
   */
  public void copyRow(Matrix source, int sourceRow, int row) {
    if (source.columns != columns) {
      throw new IllegalArgumentException("Matrix.copyRow: " + source + " into " + this);
    }
    Objects.checkIndex(sourceRow, source.rows);
    Objects.checkIndex(row, rows);
    int from = source.offset + sourceRow * source.stride;
    int to = offset + row * stride;
    if (source.precision == precision) {
      System.arraycopy(source.array, from, array, to, columns);
    } else if (precision == Precision.FLOAT32) {
      float[] target = floats();
      double[] wide = source.doubles();
      for (int c = 0; c < columns; c++) {
        target[to + c] = (float) wide[from + c];
      }
    } else {
      double[] target = doubles();
      float[] narrow = source.floats();
      for (int c = 0; c < columns; c++) {
        target[to + c] = narrow[from + c];
      }
    }
  }

  /** A contiguous copy in the given precision. */
  public Matrix copy(Precision target) {
    Matrix result = allocate(target, rows, columns);
    result.copyFrom(this);
    return result;
  }

  /** The elements as new rows of doubles. */
  public double[][] toRows() {
    double[][] result = new double[rows][columns];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        result[r][c] = get(r, c);
      }
    }
    return result;
  }

  /**
   * Whether two views of the same array may share elements (judged by their ranges in the array).
   */
  @SuppressWarnings("ReferenceEquality") // one and the same array is meant
  public boolean overlaps(Matrix other) {
    return array == other.array
        && size() > 0
        && other.size() > 0
        && offset < other.end()
        && other.offset < end();
  }

  private int end() {
    return offset + (rows - 1) * stride + columns;
  }

  @Override
  public String toString() {
    return "[" + rows + "," + columns + "] " + precision;
  }
}
