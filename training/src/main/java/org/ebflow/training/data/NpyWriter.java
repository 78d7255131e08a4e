package org.ebflow.training.data;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/** Writes matrices as NPY files, version 1.0, little-endian, in C order. */
public final class NpyWriter {
  private static final int ALIGNMENT = 64;
  private static final int PREAMBLE = 10;

  private NpyWriter() {}

  /** Writes (or replaces) a file with the matrix, in its own precision. */
  public static void write(Path file, Matrix matrix) throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
      write(out, matrix);
    }
  }

  /** Writes the matrix as one NPY array; the stream stays open. */
  public static void write(OutputStream out, Matrix matrix) throws IOException {
    NpyType type = type(matrix.precision());
    out.write(header(matrix.precision(), matrix.rows(), matrix.columns()));
    ByteBuffer row =
        ByteBuffer.allocate(matrix.columns() * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (int r = 0; r < matrix.rows(); r++) {
      int from = matrix.offset() + r * matrix.stride();
      if (type == NpyType.FLOAT32) {
        row.asFloatBuffer().put(matrix.floats(), from, matrix.columns());
      } else {
        row.asDoubleBuffer().put(matrix.doubles(), from, matrix.columns());
      }
      out.write(row.array());
    }
  }

  /**
   * What precedes the elements of an array [rows,columns], row after row, little-endian; a multiple
   * of 64 bytes.
   */
  public static byte[] header(Precision precision, long rows, int columns) {
    NpyType type = type(precision);
    String text =
        "{'descr': '<"
            + type.code()
            + "', 'fortran_order': False, 'shape': ("
            + rows
            + ", "
            + columns
            + "), }";
    int length = (PREAMBLE + text.length() + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - PREAMBLE;
    ByteBuffer header = ByteBuffer.allocate(PREAMBLE + length).order(ByteOrder.LITTLE_ENDIAN);
    header
        .put((byte) 0x93)
        .put("NUMPY".getBytes(StandardCharsets.US_ASCII))
        .put((byte) 1)
        .put((byte) 0)
        .putShort((short) length);
    header.put(text.getBytes(StandardCharsets.US_ASCII));
    while (header.remaining() > 1) {
      header.put((byte) ' ');
    }
    return header.put((byte) '\n').array();
  }

  private static NpyType type(Precision precision) {
    return precision == Precision.FLOAT32 ? NpyType.FLOAT32 : NpyType.FLOAT64;
  }
}
