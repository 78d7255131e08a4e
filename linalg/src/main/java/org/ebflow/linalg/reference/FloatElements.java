package org.ebflow.linalg.reference;

import org.ebflow.linalg.Matrix;

/** Elements of a contiguous float32 matrix by their number in row-major order. */
public final class FloatElements {
  private FloatElements() {}

  /** Element number {@code i}. */
  public static float at(Matrix m, int i) {
    return m.floats()[m.offset() + i];
  }

  /** Sets element number {@code i}. */
  public static void set(Matrix m, int i, float value) {
    m.floats()[m.offset() + i] = value;
  }

  /** Element number {@code base + index[i]}: a gather. */
  public static float pick(Matrix m, int base, int[] index, int i) {
    return m.floats()[m.offset() + base + index[i]];
  }

  /** √x, correctly rounded. */
  public static float sqrt(float x) {
    return (float) Math.sqrt(x);
  }
}
