package org.ebflow.training.data;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Element types of NPY files that are read as doubles; all little-endian. */
enum NpyType {
  FLOAT32("<f4", 4),
  FLOAT64("<f8", 8),
  UINT8("|u1", 1),
  INT8("|i1", 1),
  UINT16("<u2", 2),
  INT16("<i2", 2),
  UINT32("<u4", 4),
  INT32("<i4", 4),
  INT64("<i8", 8);

  private final String code;
  private final int bytes;

  NpyType(String code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  static @Nullable NpyType ofCode(String code) {
    return Arrays.stream(values()).filter(type -> type.code.equals(code)).findFirst().orElse(null);
  }

  static String codes() {
    return Arrays.stream(values()).map(type -> type.code).collect(Collectors.joining(", "));
  }

  String code() {
    return code;
  }

  int bytes() {
    return bytes;
  }

  /**
   * Converts a row.
   *
   * @param row little-endian, [values.length] elements, read
   * @param values overwritten; integers beyond 2^53 are rounded
   */
  void decode(ByteBuffer row, double[] values) {
    switch (this) {
      case FLOAT64 -> row.asDoubleBuffer().get(values);
      case FLOAT32 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = row.getFloat(4 * i);
        }
      }
      case UINT8 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = row.get(i) & 0xFF;
        }
      }
      case INT8 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = row.get(i);
        }
      }
      case UINT16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = row.getShort(2 * i) & 0xFFFF;
        }
      }
      case INT16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = row.getShort(2 * i);
        }
      }
      case UINT32 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = row.getInt(4 * i) & 0xFFFFFFFFL;
        }
      }
      case INT32 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = row.getInt(4 * i);
        }
      }
      case INT64 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = row.getLong(8 * i);
        }
      }
    }
  }
}
