package org.ebflow.linalg.reference;

import org.ebflow.linalg.ElementwiseKernels;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Jets from given derivatives, and the logit, in float32, element by element; log-determinants in
 * float64.
 */
public final class FloatElementwise implements ElementwiseKernels {
  private static float at(@Nullable Matrix m, int i) {
    if (m == null) {
      throw new IllegalArgumentException(
          "elementwise: a derivative of this order is needed and missing");
    }
    return m.floats()[m.offset() + i];
  }

  private static void set(@Nullable Matrix m, int i, float value) {
    if (m != null) {
      m.floats()[m.offset() + i] = value;
    }
  }

  private static float cotangent(Matrix c, int row) {
    return (float) c.doubles()[c.offset() + row];
  }

  @Override
  public void tangent(Derivatives d, Matrix x1, Matrix y1, Matrix logDet1) {
    for (int r = 0, i = 0; r < x1.rows(); r++) {
      double sum = 0;
      for (int c = 0; c < x1.columns(); c++, i++) {
        set(y1, i, at(d.f1(), i) * at(x1, i));
        sum += at(d.h1(), i) * at(x1, i);
      }
      logDet1.doubles()[logDet1.offset() + r] += sum;
    }
  }

  @Override
  public void second(Derivatives d, Matrix x1, Matrix x2, Matrix y2, Matrix logDet2) {
    for (int r = 0, i = 0; r < x1.rows(); r++) {
      double sum = 0;
      for (int c = 0; c < x1.columns(); c++, i++) {
        set(y2, i, FloatJets.second(at(d.f1(), i), at(d.f2(), i), at(x1, i), at(x2, i)));
        sum += FloatJets.second(at(d.h1(), i), at(d.h2(), i), at(x1, i), at(x2, i));
      }
      logDet2.doubles()[logDet2.offset() + r] += sum;
    }
  }

  @Override
  public void pullBack0(Derivatives d, Matrix yBar0, Matrix c0, Matrix xBar0) {
    for (int r = 0, i = 0; r < yBar0.rows(); r++) {
      float d0 = cotangent(c0, r);
      for (int end = i + yBar0.columns(); i < end; i++) {
        set(xBar0, i, FloatJets.top(at(d.f1(), i), at(yBar0, i), at(d.h1(), i), d0));
      }
    }
  }

  @Override
  public void pullBack1(
      Derivatives d,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix c0,
      Matrix c1,
      Matrix xBar0,
      @Nullable Matrix xBar1) {
    for (int r = 0, i = 0; r < x1.rows(); r++) {
      float d0 = cotangent(c0, r);
      float d1 = cotangent(c1, r);
      for (int end = i + x1.columns(); i < end; i++) {
        float f1 = at(d.f1(), i);
        float h1 = at(d.h1(), i);
        float v1 = at(yBar1, i);
        set(
            xBar0,
            i,
            FloatJets.first(
                f1, at(d.f2(), i), at(x1, i), at(yBar0, i), v1, h1, at(d.h2(), i), d0, d1));
        set(xBar1, i, FloatJets.top(f1, v1, h1, d1));
      }
    }
  }

  @Override
  public void pullBack2(
      Derivatives d,
      Matrix x1,
      Matrix x2,
      Matrix yBar0,
      Matrix yBar1,
      Matrix yBar2,
      Matrix c0,
      Matrix c1,
      Matrix c2,
      Matrix xBar0,
      Matrix xBar1,
      @Nullable Matrix xBar2) {
    for (int r = 0, i = 0; r < x1.rows(); r++) {
      float d0 = cotangent(c0, r);
      float d1 = cotangent(c1, r);
      float d2 = cotangent(c2, r);
      for (int end = i + x1.columns(); i < end; i++) {
        float f1 = at(d.f1(), i);
        float f2 = at(d.f2(), i);
        float f3 = at(d.f3(), i);
        float h1 = at(d.h1(), i);
        float h2 = at(d.h2(), i);
        float h3 = at(d.h3(), i);
        float u1 = at(x1, i);
        float v0 = at(yBar0, i);
        float v1 = at(yBar1, i);
        float v2 = at(yBar2, i);
        set(
            xBar0,
            i,
            FloatJets.zeroth(f1, f2, f3, u1, at(x2, i), v0, v1, v2, h1, h2, h3, d0, d1, d2));
        set(xBar1, i, FloatJets.first(f1, f2, 2f * u1, v1, v2, h1, h2, d1, d2));
        set(xBar2, i, FloatJets.top(f1, v2, h1, d2));
      }
    }
  }

  @Override
  public void logit(double smoothness, Matrix x, Matrix y, Matrix logDet) {
    float inverse = (float) (1 / smoothness);
    double constant = x.columns() * DoublePolynomials.log(smoothness);
    for (int r = 0, i = 0; r < x.rows(); r++) {
      double sum = constant;
      for (int c = 0; c < x.columns(); c++, i++) {
        float u = at(x, i);
        set(y, i, logit(inverse, u));
        sum += DoublePolynomials.log(u * (1f - u));
      }
      logDet.doubles()[logDet.offset() + r] -= sum;
    }
  }

  /** (log x - log(1-x))·inverse, by one logarithm. */
  public static float logit(float inverse, float x) {
    return FloatPolynomials.log(x / (1f - x)) * inverse;
  }

  /**
   * With u = 1/x and v = 1/(1-x): h' = (2x-1)uv, h'' = u² + v², h''' = 2h'(h'' + uv); f' =
   * (u+v)/smoothness, f'' = h'·f', f''' = 2f'(h'' - uv).
   */
  @Override
  public void logitDerivatives(double smoothness, Matrix x, Derivatives d) {
    for (int i = 0; i < x.size(); i++) {
      logitDerivatives((float) (1 / smoothness), x, d, i);
    }
  }

  /** The derivatives of element {@code i}. */
  public static void logitDerivatives(float inverse, Matrix x, Derivatives d, int i) {
    float u = 1f / at(x, i);
    float v = 1f / (1f - at(x, i));
    float f1 = (u + v) * inverse;
    float h1 = Math.fma(2f, at(x, i), -1f) * (u * v);
    float h2 = Math.fma(u, u, v * v);
    set(d.f1(), i, f1);
    set(d.f2(), i, h1 * f1);
    set(d.f3(), i, 2f * f1 * Math.fma(-u, v, h2));
    set(d.h1(), i, h1);
    set(d.h2(), i, h2);
    set(d.h3(), i, 2f * h1 * Math.fma(u, v, h2));
  }

  @Override
  public void sigmoid(double smoothness, Matrix x, Matrix y) {
    for (int i = 0; i < x.size(); i++) {
      set(y, i, FloatSmoothLeakyRelu.sigmoid((float) smoothness * at(x, i)));
    }
  }
}
