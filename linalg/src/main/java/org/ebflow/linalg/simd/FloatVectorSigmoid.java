package org.ebflow.linalg.simd;

import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.ebflow.linalg.reference.FloatSmoothLeakyRelu;

/** Sigmoids of whole vectors of a row. */
final class FloatVectorSigmoid {
  private static final int LANES = SPECIES.length();

  private FloatVectorSigmoid() {}

  /** y ← sigmoid(factor·x) over {@code count} elements; y is not x. */
  static void sigmoids(float factor, float[] xs, int xAt, float[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    FloatVectorPolynomials.expOfNegative(factor, xs, xAt, ys, yAt, bound);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i).mul(factor);
      FloatVector e = FloatVector.fromArray(SPECIES, ys, yAt + i);
      e.blend(1f, x.compare(VectorOperators.GE, 0f)).div(e.add(1f)).intoArray(ys, yAt + i);
    }
    for (; i < count; i++) {
      ys[yAt + i] = FloatSmoothLeakyRelu.sigmoid(factor * xs[xAt + i]);
    }
  }
}
