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
    for (int i = 0; i < x.size(); i++) {
      rounded.array()[rounded.offset() + i] = round(x.floats()[x.offset() + i]);
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
