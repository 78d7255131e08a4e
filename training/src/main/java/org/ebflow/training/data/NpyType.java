package org.ebflow.training.data;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
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

  /** Elements widened at a time. */
  private static final int WIDENED = 1 << 11;

  /** The bits of a float32's exponent, all set where it is NaN or ±Inf. */
  private static final int EXPONENT = 0x7F80_0000;

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
   * @return true where all values are known to be finite
   */
  boolean decode(ByteBuffer elements, int from, int count, double[] values, int at, int step) {
    ByteBuffer own =
        elements.slice(from, elements.limit() - from).order(elements.order()); // from 0
    switch (this) { // each a loop of its own, which compiles to the fastest
      case FLOAT32 -> {
        if (step == 1) {
          return widen(own, count, values, at);
        }
        for (int i = 0; i < count; i++) {
          values[at + i * step] = own.getFloat(4 * i);
        }
      }
      case FLOAT64 -> {
        if (step == 1) {
          own.asDoubleBuffer().get(values, at, count);
          return false;
        }
        for (int i = 0; i < count; i++) {
          values[at + i * step] = own.getDouble(8 * i);
        }
      }
      case UINT8 -> {
        for (int i = 0; i < count; i++) {
          values[at + i * step] = own.get(i) & 0xFF;
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          values[at + i * step] = element(own, i);
        }
      }
    }
    return code.charAt(0) != 'f';
  }

  /** By way of arrays in the core's cache, with loops that compile to vectors. */
  private static boolean widen(ByteBuffer elements, int count, double[] values, int at) {
    FloatBuffer floats = elements.asFloatBuffer();
    IntBuffer bits = elements.asIntBuffer();
    float[] some = new float[Math.min(count, WIDENED)];
    int[] bitsOfSome = new int[some.length];
    int carry = 0; // into the sign, out of an exponent with all bits set
    for (int done = 0; done < count; done += some.length) {
      int more = Math.min(count - done, some.length);
      floats.get(some, 0, more);
      bits.get(bitsOfSome, 0, more);
      for (int i = 0; i < more; i++) {
        values[at + done + i] = some[i];
      }
      for (int i = 0; i < more; i++) {
        carry |= (bitsOfSome[i] & EXPONENT) + (1 << 23);
      }
    }
    return carry >= 0;
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
