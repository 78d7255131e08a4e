package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.Matrix;

/**
 * ELU in float32, f(x) = x for x &gt; 0, else eˣ - 1; keeps f', which is every derivative where x ≤
 * 0.
 */
@Vectorized
public final class FloatElu implements ElementwiseFunction {
  @Override
  public int keeps(int order) {
    return 1;
  }

  @Override
  public void value(
      Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
    Matrix slope = kept[0];
    float[] xs = x.floats();
    int xAt = x.offset() + from;
    FloatPolynomials.expm1OfNegative(xs, xAt, y.floats(), y.offset() + from, n);
    FloatPolynomials.expOfNegative(1f, xs, xAt, slope.floats(), slope.offset() + from, n);
    for (int i = 0; i < n; i++) {
      float u = at(x, from + i);
      float s = u > 0f ? 1f : at(slope, from + i);
      set(y, from + i, u > 0f ? u : at(y, from + i));
      set(slope, from + i, s);
      set(f1, i, s);
    }
  }

  @Override
  public void derivatives(
      Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
    for (int i = 0; i < n; i++) {
      float f1 = at(kept[0], from + i);
      float f2 = at(x, from + i) > 0f ? 0f : f1;
      set(d.f1(), i, f1);
      set(d.f2(), i, f2);
      if (highest >= 3) {
        set(d.f3(), i, f2);
      }
    }
  }
}
