package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.Matrix;

/**
 * Scaled hyperbolic tangent in float32, f(x) = a·tanh(b·x); keeps t = tanh(b·x).
 *
 * <p>Numerics: t = -e/(e + 2) with e = e^(-2|bx|) - 1 keeps its relative accuracy near zero.
 */
@Vectorized
public final class FloatTanh implements ElementwiseFunction {
  @Override
  public int keeps(int order) {
    return 1;
  }

  @Override
  public void value(
      Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
    float a = at(parameters, 0);
    float b = at(parameters, 1);
    argument(2f * b, x, y, from, n);
    FloatPolynomials.expm1OfNegative(
        y.floats(), y.offset() + from, kept[0].floats(), kept[0].offset() + from, n);
    for (int i = 0; i < n; i++) {
      float e = at(kept[0], from + i);
      float q = e / (e + 2f);
      float t = at(y, from + i) > 0f ? -q : q;
      set(kept[0], from + i, t);
      set(y, from + i, a * t);
      set(f1, i, a * b * ((1f - t) * (1f + t)));
    }
  }

  /** out ← factor·x. */
  private static void argument(float factor, Matrix x, Matrix out, int from, int n) {
    for (int i = 0; i < n; i++) {
      set(out, from + i, factor * at(x, from + i));
    }
  }

  @Override
  public void derivatives(
      Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
    float a = at(parameters, 0);
    float b = at(parameters, 1);
    for (int i = 0; i < n; i++) {
      float t = at(kept[0], from + i);
      float f1 = a * b * ((1f - t) * (1f + t));
      set(d.f1(), i, f1);
      set(d.f2(), i, -2f * b * t * f1);
      if (highest >= 3) {
        set(d.f3(), i, b * b * f1 * Math.fma(6f * t, t, -2f));
      }
    }
  }
}
