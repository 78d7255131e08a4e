package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.Matrix;

/**
 * Logit in float32, f(x) = (log x - log(1-x))/α by one logarithm; keeps u = 1/x and v = 1/(1-x), of
 * which f' = (u+v)/α = 1/(αx(1-x)).
 *
 * <p>Numerics: f''/f' = v - u is computed as (2x-1)uv, which does not cancel near ½.
 */
@Vectorized
public final class FloatLogit implements ElementwiseBijection {
  @Override
  public int keeps(int order) {
    return order < 0 ? 0 : 2;
  }

  @Override
  public void value(
      Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
    float scale = at(parameters, 0);
    for (int i = 0; i < n; i++) {
      float z = at(x, from + i);
      float rest = 1f - z;
      set(y, from + i, z / rest);
      set(f1, i, scale / (z * rest));
    }
    FloatPolynomials.log(scale, y.floats(), y.offset() + from, n);
    if (kept.length > 0) {
      keep(x, kept[0], kept[1], from, n);
    }
  }

  private static void keep(Matrix x, Matrix u, Matrix v, int from, int n) {
    for (int i = 0; i < n; i++) {
      float z = at(x, from + i);
      set(u, from + i, 1f / z);
      set(v, from + i, 1f / (1f - z));
    }
  }

  @Override
  public void derivatives(
      Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
    float scale = at(parameters, 0);
    for (int i = 0; i < n; i++) {
      float u = at(kept[0], from + i);
      float v = at(kept[1], from + i);
      float f1 = (u + v) * scale;
      float f2 = Math.fma(2f, at(x, from + i), -1f) * (u * v) * f1;
      float squares = Math.fma(u, u, v * v);
      set(d.f1(), i, f1);
      set(d.f2(), i, f2);
      if (highest >= 3) {
        set(d.f3(), i, 2f * f1 * Math.fma(-u, v, squares));
      }
      if (highest >= 4) {
        set(d.f4(), i, 6f * f2 * squares);
      }
    }
  }

  /** x ← sigmoid(α·y), which rounds to 0 or 1 far out. */
  @Override
  public void inverse(Matrix parameters, Matrix y, Matrix x) {
    FloatSigmoid.apply(at(parameters, 1), y, x, 0, y.size());
  }
}
