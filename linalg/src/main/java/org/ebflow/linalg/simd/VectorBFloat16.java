package org.ebflow.linalg.simd;

import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.ebflow.linalg.BFloat16Kernels;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.reference.BFloat16Loops;

/** Rounding to bfloat16 in vectors. Formula: {@link BFloat16Loops#round(float)}. */
final class VectorBFloat16 implements BFloat16Kernels {
  private static final int LANES = SPECIES.length();
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(LANES * Short.SIZE));
  private static final int HALF = 0x7fff;
  private static final int QUIET = 0x40;

  @Override
  public void round(Matrix x, BFloat16Matrix rounded) {
    if (x.contiguous() && rounded.contiguous()) {
      round(x.floats(), x.offset(), rounded.array(), rounded.offset(), x.size());
    } else {
      for (int r = 0; r < x.rows(); r++) {
        int from = x.offset() + r * x.stride();
        int to = rounded.offset() + r * rounded.stride();
        round(x.floats(), from, rounded.array(), to, x.columns());
      }
    }
  }

  private static void round(float[] xs, int xAt, short[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i);
      IntVector bits = x.reinterpretAsInts();
      IntVector upper = bits.lanewise(VectorOperators.LSHR, Short.SIZE);
      VectorMask<Integer> nan = x.test(VectorOperators.IS_NAN).cast(bits.species());
      IntVector sum = bits.add(upper.and(1)).add(HALF).lanewise(VectorOperators.LSHR, Short.SIZE);
      ((ShortVector) sum.blend(upper.or(QUIET), nan).convertShape(VectorOperators.I2S, SHORTS, 0))
          .intoArray(ys, yAt + i);
    }
    for (int i = bound; i < count; i++) {
      ys[yAt + i] = BFloat16Loops.round(xs[xAt + i]);
    }
  }
}
