package org.ebflow.flow.io;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * The elements of a matrix as little-endian bytes in row-major order, on their way through one
 * bounded buffer.
 */
final class MatrixBytes {
  private static final int BUFFER = 1 << 18;

  /** Where bytes come from. */
  @FunctionalInterface
  interface Source {
    /** Fills {@code target} to its limit with the bytes from {@code offset} on. */
    void read(long offset, ByteBuffer target) throws IOException;
  }

  private MatrixBytes() {}

  /** Writes all elements in the matrix's own precision. */
  @SuppressWarnings("ByteBufferBackingArray") // allocated here, at offset 0
  static void write(Matrix source, OutputStream out) throws IOException {
    Matrix matrix = flat(source);
    int most = Math.min(BUFFER / matrix.precision().bytes(), matrix.columns());
    byte[] bytes = new byte[most * matrix.precision().bytes()];
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int r = 0; r < matrix.rows(); r++) {
      int row = matrix.offset() + r * matrix.stride();
      for (int c = 0; c < matrix.columns(); c += most) {
        int count = Math.min(most, matrix.columns() - c);
        if (matrix.precision() == Precision.FLOAT32) {
          buffer.asFloatBuffer().put(matrix.floats(), row + c, count);
        } else {
          buffer.asDoubleBuffer().put(matrix.doubles(), row + c, count);
        }
        out.write(bytes, 0, count * matrix.precision().bytes());
      }
    }
  }

  /** Overwrites all elements from bytes in the given precision, rounding to the matrix's own. */
  static void read(Source source, Precision precision, Matrix target) throws IOException {
    Matrix matrix = flat(target);
    int most = Math.min(BUFFER / precision.bytes(), matrix.columns());
    ByteBuffer buffer =
        ByteBuffer.allocate(most * precision.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    long offset = 0;
    for (int r = 0; r < matrix.rows(); r++) {
      int row = matrix.offset() + r * matrix.stride();
      for (int c = 0; c < matrix.columns(); c += most) {
        int count = Math.min(most, matrix.columns() - c);
        source.read(offset, buffer.clear().limit(count * precision.bytes()));
        offset += buffer.limit();
        buffer.flip();
        if (precision == Precision.FLOAT32) {
          copy(buffer.asFloatBuffer(), matrix, row + c, count);
        } else {
          copy(buffer.asDoubleBuffer(), matrix, row + c, count);
        }
      }
    }
  }

  private static void copy(FloatBuffer values, Matrix matrix, int from, int count) {
    if (matrix.precision() == Precision.FLOAT32) {
      values.get(matrix.floats(), from, count);
      return;
    }
    double[] array = matrix.doubles();
    for (int i = from; i < from + count; i++) {
      array[i] = values.get();
    }
  }

  private static void copy(DoubleBuffer values, Matrix matrix, int from, int count) {
    if (matrix.precision() == Precision.FLOAT64) {
      values.get(matrix.doubles(), from, count);
      return;
    }
    float[] array = matrix.floats();
    for (int i = from; i < from + count; i++) {
      array[i] = (float) values.get();
    }
  }

  /** Narrow rows without gaps go through the buffer together. */
  private static Matrix flat(Matrix matrix) {
    return matrix.contiguous() ? matrix.reshape(1, matrix.size()) : matrix;
  }
}
