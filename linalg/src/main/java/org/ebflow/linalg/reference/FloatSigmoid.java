package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.Matrix;

/** Sigmoids of a run of elements. */
@Vectorized
final class FloatSigmoid {
  private FloatSigmoid() {}

  /**
   * y ← 1/(1 + e^(-factor·x)) over {@code n} elements from number {@code from} on, with full
   * relative accuracy where it is tiny; y is not x.
   */
  static void apply(float factor, Matrix x, Matrix y, int from, int n) {
    FloatPolynomials.expOfNegative(
        factor, x.floats(), x.offset() + from, y.floats(), y.offset() + from, n);
    for (int i = 0; i < n; i++) {
      float u = at(x, from + i) * factor;
      float e = at(y, from + i);
      set(y, from + i, (u >= 0f ? 1f : e) / (1f + e));
    }
  }
}
