package org.ebflow.linalg.reference;

import org.ebflow.linalg.BFloat16Kernels;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Matrix;

/** Rounding to bfloat16, element by element. */
public final class BFloat16Loops implements BFloat16Kernels {
  private static final int HALF = 0x7fff;
  private static final int INFINITY = 0x7f800000;
  private static final int QUIET = 0x40;

  @Override
  public void round(Matrix x, BFloat16Matrix rounded) {
    for (int r = 0; r < x.rows(); r++) {
      int from = x.offset() + r * x.stride();
      int to = rounded.offset() + r * rounded.stride();
      for (int c = 0; c < x.columns(); c++) {
        rounded.array()[to + c] = round(x.floats()[from + c]);
      }
    }
  }

  /** The upper half of x after adding just less than half of its last place, or half if odd. */
  public static short round(float x) {
    int bits = Float.floatToRawIntBits(x);
    int upper = bits >>> Short.SIZE;
    boolean nan = (bits & Integer.MAX_VALUE) > INFINITY;
    return (short) (nan ? upper | QUIET : (bits + HALF + (upper & 1)) >>> Short.SIZE);
  }
}
