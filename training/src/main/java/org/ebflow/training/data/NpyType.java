package org.ebflow.training.data;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Element types of NPY files that are read as doubles, of either byte order. */
enum NpyType {
  FLOAT16("f2"),
  FLOAT32("f4"),
  FLOAT64("f8"),
  BOOLEAN("b1"),
  UINT8("u1"),
  INT8("i1"),
  UINT16("u2"),
  INT16("i2"),
  UINT32("u4"),
  INT32("i4"),
  UINT64("u8"),
  INT64("i8");

  private final String code;

  NpyType(String code) {
    this.code = code;
  }

  /** The type of a code without its byte order, or null. */
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
    return code.charAt(1) - '0';
  }

  /**
   * Converts elements that follow one another.
   *
   * @param elements read from byte {@code from} on, in their own byte order
   * @param values overwritten from {@code at} on in steps of {@code step}; integers beyond 2^53 are
   *     rounded
   */
  void decode(ByteBuffer elements, int from, int count, double[] values, int at, int step) {
    switch (this) { // each a loop of its own, which compiles to the fastest
      case FLOAT32 -> {
        for (int i = 0; i < count; i++) {
          values[at + i * step] = elements.getFloat(from + 4 * i);
        }
      }
      case FLOAT64 -> {
        for (int i = 0; i < count; i++) {
          values[at + i * step] = elements.getDouble(from + 8 * i);
        }
      }
      case UINT8 -> {
        for (int i = 0; i < count; i++) {
          values[at + i * step] = elements.get(from + i) & 0xFF;
        }
      }
      default -> {
        ByteBuffer own = elements.duplicate().position(from).slice().order(elements.order());
        for (int i = 0; i < count; i++) {
          values[at + i * step] = element(own, i);
        }
      }
    }
  }

  private double element(ByteBuffer elements, int i) {
    return switch (this) {
      case FLOAT16 -> Float.float16ToFloat(elements.getShort(2 * i));
      case FLOAT32 -> elements.getFloat(4 * i);
      case FLOAT64 -> elements.getDouble(8 * i);
      case BOOLEAN -> elements.get(i) == 0 ? 0 : 1;
      case UINT8 -> elements.get(i) & 0xFF;
      case INT8 -> elements.get(i);
      case UINT16 -> elements.getShort(2 * i) & 0xFFFF;
      case INT16 -> elements.getShort(2 * i);
      case UINT32 -> elements.getInt(4 * i) & 0xFFFFFFFFL;
      case INT32 -> elements.getInt(4 * i);
      case UINT64 -> unsigned(elements.getLong(8 * i));
      case INT64 -> elements.getLong(8 * i);
    };
  }

  /** Correctly rounded: the lowest bit stands for all that are shifted out. */
  private static double unsigned(long bits) {
    return bits >= 0 ? bits : 2.0 * ((bits >>> 1) | (bits & 1));
  }
}
