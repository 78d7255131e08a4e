package org.ebflow.linalg.reference;

import org.ebflow.linalg.CouplingKernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Streams;
import org.jspecify.annotations.Nullable;

/**
 * Masked affine transform in float32, element by element. Where the mask is 1 nothing of s and t is
 * looked at, so what the networks put there can't spoil the result.
 */
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

  private static boolean passes(Matrix mask, int column) {
    return mask.floats()[mask.offset() + column] != 0f;
  }

  @Override
  public void value(
      Matrix mask, Matrix x0, Matrix s0, Matrix t0, Matrix y0, Matrix scale, Matrix logDet) {
    for (int r = 0, i = 0; r < x0.rows(); r++) {
      double sum = 0;
      for (int c = 0; c < x0.columns(); c++, i++) {
        float s = at(s0, i);
        float e0 = FloatPolynomials.exp(-s);
        set(scale, i, e0);
        if (passes(mask, c)) {
          set(y0, i, at(x0, i));
        } else {
          set(y0, i, (at(x0, i) - at(t0, i)) * e0);
          sum += s;
        }
      }
      subtract(logDet, r, sum);
    }
  }

  @Override
  public void tangent(
      Matrix mask,
      Matrix scale,
      Matrix x0,
      Matrix s0,
      Matrix t0,
      Matrix x1,
      Matrix s1,
      Matrix t1,
      Matrix y1,
      Matrix logDet1) {
    for (int r = 0, i = 0; r < x0.rows(); r++) {
      double sum = 0;
      for (int c = 0; c < x0.columns(); c++, i++) {
        if (passes(mask, c)) {
          set(y1, i, at(x1, i));
        } else {
          float e0 = at(scale, i);
          float e1 = -e0 * at(s1, i);
          float w0 = at(x0, i) - at(t0, i);
          float w1 = at(x1, i) - at(t1, i);
          set(y1, i, Math.fma(w1, e0, w0 * e1));
          sum += at(s1, i);
        }
      }
      subtract(logDet1, r, sum);
    }
  }

  @Override
  public void second(
      Matrix mask, Matrix scale, Streams x, Streams s, Streams t, Matrix y2, Matrix logDet2) {
    for (int r = 0, i = 0; r < y2.rows(); r++) {
      double sum = 0;
      for (int c = 0; c < y2.columns(); c++, i++) {
        if (passes(mask, c)) {
          set(y2, i, at(x.order2(), i));
        } else {
          float e0 = at(scale, i);
          float s1 = at(s.order1(), i);
          float s2 = at(s.order2(), i);
          float e1 = -e0 * s1;
          float e2 = e0 * Math.fma(s1, s1, -s2);
          float w0 = at(x.order0(), i) - at(t.order0(), i);
          float w1 = at(x.order1(), i) - at(t.order1(), i);
          float w2 = at(x.order2(), i) - at(t.order2(), i);
          set(y2, i, Math.fma(w2, e0, Math.fma(2f * w1, e1, w0 * e2)));
          sum += s2;
        }
      }
      subtract(logDet2, r, sum);
    }
  }

  @Override
  public void pullBack(
      int order,
      Matrix mask,
      Matrix scale,
      Streams x,
      Streams s,
      Streams t,
      Streams yBar,
      Streams c,
      Streams xBar,
      Streams sBar,
      Streams tBar) {
    Matrix y1Bar = order >= 1 ? yBar.order1() : null;
    Matrix y2Bar = order >= 2 ? yBar.order2() : null;
    for (int r = 0, i = 0; r < xBar.order0().rows(); r++) {
      float c0 = (float) cotangent(c.order0(), r);
      float c1 = order >= 1 ? (float) cotangent(c.order1(), r) : 0f;
      float c2 = order >= 2 ? (float) cotangent(c.order2(), r) : 0f;
      for (int column = 0; column < xBar.order0().columns(); column++, i++) {
        float v0 = at(yBar.order0(), i);
        float v1 = at(y1Bar, i);
        float v2 = at(y2Bar, i);
        if (passes(mask, column)) {
          set(order, xBar, i, v0, v1, v2);
          set(order, sBar, i, 0f, 0f, 0f);
          set(order, tBar, i, 0f, 0f, 0f);
        } else {
          float e0 = at(scale, i);
          float s1 = order >= 1 ? at(s.order1(), i) : 0f;
          float s2 = order >= 2 ? at(s.order2(), i) : 0f;
          float e1 = -e0 * s1; //                            e1 = -e0·s1
          float e2 = e0 * Math.fma(s1, s1, -s2); //          e2 = e0·(s1² - s2)
          float w0 = at(x.order0(), i) - at(t.order0(), i);
          float w1 = order >= 1 ? at(x.order1(), i) - at(t.order1(), i) : 0f;
          float w2 = order >= 2 ? at(x.order2(), i) - at(t.order2(), i) : 0f;
          float w0Bar = Math.fma(e0, v0, Math.fma(e1, v1, e2 * v2)); // y0 = w0·e0
          float w1Bar = Math.fma(e0, v1, 2f * e1 * v2); //              y1 = w1·e0 + w0·e1
          float w2Bar = e0 * v2; //                                     y2 = w2·e0 + 2w1·e1 + w0·e2
          float e0Bar = Math.fma(w0, v0, Math.fma(w1, v1, w2 * v2));
          float e1Bar = Math.fma(w0, v1, 2f * w1 * v2);
          float e2Bar = w0 * v2;
          float s0Bar =
              -Math.fma(e0, e0Bar, Math.fma(e1, e1Bar, Math.fma(e2, e2Bar, c0))); // ∂e_k/∂s0 = -e_k
          float s1Bar = Math.fma(e0, Math.fma(2f * s1, e2Bar, -e1Bar), -c1);
          float s2Bar = -Math.fma(e0, e2Bar, c2);
          set(order, xBar, i, w0Bar, w1Bar, w2Bar);
          set(order, sBar, i, s0Bar, s1Bar, s2Bar);
          set(order, tBar, i, -w0Bar, -w1Bar, -w2Bar);
        }
      }
    }
  }

  private static double cotangent(@Nullable Matrix c, int row) {
    return c == null ? 0 : c.doubles()[c.offset() + row];
  }

  private static void set(
      int order, Streams streams, int i, float value0, float value1, float value2) {
    set(streams.order0(), i, value0);
    if (order >= 1) {
      set(streams.order1(), i, value1);
    }
    if (order >= 2) {
      set(streams.order2(), i, value2);
    }
  }

  @Override
  public void inverse(Matrix mask, Matrix y, Matrix s, Matrix t, Matrix x) {
    for (int r = 0, i = 0; r < y.rows(); r++) {
      for (int c = 0; c < y.columns(); c++, i++) {
        float v = at(y, i);
        set(x, i, passes(mask, c) ? v : Math.fma(v, FloatPolynomials.exp(at(s, i)), at(t, i)));
      }
    }
  }
}
