package org.ebflow.linalg.reference;

import org.ebflow.linalg.CouplingKernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Streams;
import org.jspecify.annotations.Nullable;

/** The scaling of a coupling in float32, element by element. */
public final class FloatCoupling implements CouplingKernels {
  private static float at(@Nullable Matrix m, int i) {
    return m == null ? 0f : m.floats()[m.offset() + i];
  }

  private static void set(@Nullable Matrix m, int i, float value) {
    if (m != null) {
      m.floats()[m.offset() + i] = value;
    }
  }

  private static void subtract(Matrix logDet, int row, double sum) {
    logDet.doubles()[logDet.offset() + row] -= sum;
  }

  @Override
  public void value(Matrix x0, Matrix s0, Matrix y0, Matrix scale, Matrix logDet) {
    for (int r = 0, i = 0; r < x0.rows(); r++) {
      double sum = 0;
      for (int c = 0; c < x0.columns(); c++, i++) {
        float s = at(s0, i);
        float e0 = FloatPolynomials.exp(-s);
        set(scale, i, e0);
        set(y0, i, at(x0, i) * e0);
        sum += s;
      }
      subtract(logDet, r, sum);
    }
  }

  @Override
  public void tangent(Matrix scale, Streams x, Streams s, Matrix y1, Matrix logDet1) {
    for (int r = 0, i = 0; r < y1.rows(); r++) {
      double sum = 0;
      for (int c = 0; c < y1.columns(); c++, i++) {
        float e0 = at(scale, i);
        float s1 = at(s.order1(), i);
        float e1 = -e0 * s1;
        set(y1, i, Math.fma(at(x.order1(), i), e0, at(x.order0(), i) * e1));
        sum += s1;
      }
      subtract(logDet1, r, sum);
    }
  }

  @Override
  public void second(Matrix scale, Streams x, Streams s, Matrix y2, Matrix logDet2) {
    for (int r = 0, i = 0; r < y2.rows(); r++) {
      double sum = 0;
      for (int c = 0; c < y2.columns(); c++, i++) {
        float e0 = at(scale, i);
        float s1 = at(s.order1(), i);
        float s2 = at(s.order2(), i);
        float e1 = -e0 * s1;
        float e2 = e0 * Math.fma(s1, s1, -s2);
        float lower = Math.fma(2f * at(x.order1(), i), e1, at(x.order0(), i) * e2);
        set(y2, i, Math.fma(at(x.order2(), i), e0, lower));
        sum += s2;
      }
      subtract(logDet2, r, sum);
    }
  }

  @Override
  public void pullBack(
      int order,
      Matrix scale,
      Streams x,
      Streams s,
      Streams yBar,
      Streams c,
      Streams xBar,
      Streams sBar,
      int toOrder) {
    Matrix tangent = order >= 1 ? s.order1() : null;
    Matrix second = order >= 2 ? s.order2() : null;
    for (int r = 0, i = 0; r < scale.rows(); r++) {
      float c0 = (float) cotangent(c.order0(), r);
      float c1 = order >= 1 ? (float) cotangent(c.order1(), r) : 0f;
      float c2 = order >= 2 ? (float) cotangent(c.order2(), r) : 0f;
      for (int column = 0; column < scale.columns(); column++, i++) {
        float v0 = at(yBar.order0(), i);
        float v1 = order >= 1 ? at(yBar.order1(), i) : 0f;
        float v2 = order >= 2 ? at(yBar.order2(), i) : 0f;
        float e0 = at(scale, i);
        float s1 = at(tangent, i);
        float e1 = -e0 * s1; //                              e1 = -e0·s1
        float e2 = e0 * Math.fma(s1, s1, -at(second, i)); // e2 = e0·(s1² - s2)
        float x0 = at(x.order0(), i);
        float x1 = order >= 1 ? at(x.order1(), i) : 0f;
        float x2 = order >= 2 ? at(x.order2(), i) : 0f;
        float x0Bar = Math.fma(e0, v0, Math.fma(e1, v1, e2 * v2)); // y0 = x0·e0
        float x1Bar = Math.fma(e0, v1, 2f * e1 * v2); //              y1 = x1·e0 + x0·e1
        float x2Bar = e0 * v2; //                                     y2 = x2·e0 + 2x1·e1 + x0·e2
        float e0Bar = Math.fma(x0, v0, Math.fma(x1, v1, x2 * v2));
        float e1Bar = Math.fma(x0, v1, 2f * x1 * v2);
        float e2Bar = x0 * v2;
        float s0Bar =
            -Math.fma(e0, e0Bar, Math.fma(e1, e1Bar, Math.fma(e2, e2Bar, c0))); // ∂e_k/∂s0 = -e_k
        float s1Bar = Math.fma(e0, Math.fma(2f * s1, e2Bar, -e1Bar), -c1);
        float s2Bar = -Math.fma(e0, e2Bar, c2);
        set(toOrder, xBar, i, x0Bar, x1Bar, x2Bar);
        set(toOrder, sBar, i, s0Bar, s1Bar, s2Bar);
      }
    }
  }

  private static double cotangent(@Nullable Matrix c, int row) {
    return c == null ? 0 : c.doubles()[c.offset() + row];
  }

  private static void set(
      int toOrder, Streams streams, int i, float value0, float value1, float value2) {
    if (toOrder >= 0) {
      set(streams.order0(), i, value0);
    }
    if (toOrder >= 1) {
      set(streams.order1(), i, value1);
    }
    if (toOrder >= 2) {
      set(streams.order2(), i, value2);
    }
  }

  @Override
  public void inverse(Matrix y, Matrix s, Matrix x) {
    for (int i = 0; i < y.size(); i++) {
      set(x, i, at(y, i) * FloatPolynomials.exp(at(s, i)));
    }
  }
}
