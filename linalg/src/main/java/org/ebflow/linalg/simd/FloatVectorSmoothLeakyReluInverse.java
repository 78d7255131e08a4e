package org.ebflow.linalg.simd;

import static jdk.incubator.vector.FloatVector.broadcast;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.ebflow.linalg.reference.FloatSmoothLeakyRelu;

/**
 * Newton's method of {@link FloatSmoothLeakyRelu#inverse(float, float, float)} in vectors: a block
 * of elements goes on until none of them falls any more, and one that stands still stays.
 */
final class FloatVectorSmoothLeakyReluInverse {
  private static final int LANES = SPECIES.length();

  /**
   * Elements of a block: few, since the slowest of them holds up the others, and enough to fill the
   * pipeline.
   */
  private static final int BLOCK = 64;

  /** e^(-|x|) of a block, then log(1 + e^(-|x|)). */
  private static final ThreadLocal<float[]> SCRATCH =
      ThreadLocal.withInitial(() -> new float[2 * BLOCK]);

  private FloatVectorSmoothLeakyReluInverse() {}

  static void inverse(float a, float b, float[] ys, int yAt, float[] xs, int xAt, int count) {
    float[] scratch = SCRATCH.get();
    int bound = SPECIES.loopBound(count);
    for (int from = 0; from < bound; from += BLOCK) {
      int length = Math.min(BLOCK, bound - from);
      start(a, b, ys, yAt + from, xs, xAt + from, length);
      boolean falls = true;
      for (int step = 0; step < FloatSmoothLeakyRelu.NEWTON_STEPS && falls; step++) {
        FloatVectorPolynomials.expOfNegative(1f, xs, xAt + from, scratch, 0, length);
        FloatVectorPolynomials.log1p(scratch, 0, scratch, BLOCK, length);
        falls = step(a, b, ys, yAt + from, xs, xAt + from, scratch, length);
      }
    }
    for (int i = bound; i < count; i++) {
      xs[xAt + i] = FloatSmoothLeakyRelu.inverse(a, b, ys[yAt + i]);
    }
  }

  /** x ← y over the slope on its side: not to the left of the root. */
  private static void start(float a, float b, float[] ys, int yAt, float[] xs, int xAt, int bound) {
    for (int i = 0; i < bound; i += LANES) {
      FloatVector y = FloatVector.fromArray(SPECIES, ys, yAt + i);
      y.div(broadcast(SPECIES, a).blend(a + b, y.compare(VectorOperators.GE, 0f)))
          .intoArray(xs, xAt + i);
    }
  }

  /** Whether any x fell. */
  private static boolean step(
      float a, float b, float[] ys, int yAt, float[] xs, int xAt, float[] scratch, int bound) {
    boolean falls = false;
    for (int i = 0; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector e = FloatVector.fromArray(SPECIES, scratch, i);
      VectorMask<Float> right = x.compare(VectorOperators.GE, 0f);
      FloatVector softplus =
          broadcast(SPECIES, 0f)
              .blend(x, right)
              .add(FloatVector.fromArray(SPECIES, scratch, BLOCK + i));
      FloatVector y = FloatVector.fromArray(SPECIES, ys, yAt + i);
      FloatVector excess =
          x.fma(broadcast(SPECIES, a), softplus.fma(broadcast(SPECIES, b), y.neg()));
      FloatVector q = e.blend(1f, right).div(e.add(1f));
      FloatVector next = x.sub(excess.div(q.fma(broadcast(SPECIES, b), broadcast(SPECIES, a))));
      VectorMask<Float> lower = next.compare(VectorOperators.LT, x);
      x.blend(next, lower).intoArray(xs, xAt + i);
      falls |= lower.anyTrue();
    }
    return falls;
  }
}
