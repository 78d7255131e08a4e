package org.ebflow.linalg.simd;

import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.reference.FloatSums;

/** Sums of float32 elements by vectors. */
final class FloatVectorSums {
  private static final int LANES = SPECIES.length();

  private FloatVectorSums() {}

  /**
   * Σ x over {@code n} elements from number {@code from} on, per lane in float32, then over lanes
   * in float64.
   */
  static double sum(Matrix x, int from, int n) {
    float[] xs = x.floats();
    int at = x.offset() + from;
    FloatVector sums = FloatVector.broadcast(SPECIES, 0f);
    int bound = SPECIES.loopBound(n);
    for (int i = 0; i < bound; i += LANES) {
      sums = sums.add(FloatVector.fromArray(SPECIES, xs, at + i));
    }
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) {
      sum += sums.lane(lane);
    }
    return sum + FloatSums.sum(x, from + bound, n - bound);
  }

  /** Σ log|x| over {@code n} elements from number {@code from} on. */
  static double sumOfLogs(Matrix x, int from, int n) {
    int bound = SPECIES.loopBound(n);
    double tail = FloatSums.sumOfLogs(x, from + bound, n - bound);
    return bound == 0
        ? tail
        : FloatVectorBits.sumOfLogs(x.floats(), x.offset() + from, bound) + tail;
  }
}
