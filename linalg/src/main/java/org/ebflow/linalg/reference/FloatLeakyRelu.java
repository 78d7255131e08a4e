package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.Matrix;

/** Leaky ReLU in float32, f(x) = x for x &gt; 0, else a·x; f'' = f''' = 0 beside the kink. */
@Vectorized
public final class FloatLeakyRelu implements ElementwiseFunction {
  @Override
  public int keeps(int order) {
    return 0;
  }

  @Override
  public boolean piecewiseLinear() {
    return true;
  }

  @Override
  public void value(
      Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
    float a = at(parameters, 0);
    for (int i = 0; i < n; i++) {
      float u = at(x, from + i);
      float slope = u > 0f ? 1f : a;
      set(y, from + i, slope * u);
      set(f1, i, slope);
    }
  }

  @Override
  public void derivatives(
      Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
    float a = at(parameters, 0);
    for (int i = 0; i < n; i++) {
      set(d.f1(), i, at(x, from + i) > 0f ? 1f : a);
      if (highest >= 2) {
        set(d.f2(), i, 0f);
      }
      if (highest >= 3) {
        set(d.f3(), i, 0f);
      }
    }
  }
}
