package org.ebflow.linalg.reference;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.SmoothLeakyReluKernels;
import org.jspecify.annotations.Nullable;

/** Smooth leaky ReLU in float32, element by element; log-determinants in float64. */
public final class FloatSmoothLeakyRelu implements SmoothLeakyReluKernels {
  /** Largest number of steps of {@link #inverse(float, float, float)}. */
  public static final int NEWTON_STEPS = 50;

  /** log(1 + eˣ), with full relative accuracy where it is tiny. */
  public static float softplus(float x) {
    float e = FloatPolynomials.exp(-Math.abs(x));
    return (x >= 0f ? x : 0f) + FloatPolynomials.log1p(e);
  }

  /** 1/(1 + e⁻ˣ), with full relative accuracy where it is tiny. */
  public static float sigmoid(float x) {
    float e = FloatPolynomials.exp(-Math.abs(x));
    return (x >= 0f ? 1f : e) / (1f + e);
  }

  /** f'. */
  public static float f1(float a, float b, float q) {
    return Math.fma(b, q, a);
  }

  /** f''. */
  public static float f2(float b, float q) {
    return b * (q * (1f - q));
  }

  /** f'''. */
  public static float f3(float b, float q) {
    return f2(b, q) * Math.fma(-2f, q, 1f);
  }

  /** f''''. */
  public static float f4(float b, float q) {
    return f2(b, q) * Math.fma(-6f, q * (1f - q), 1f);
  }

  /** h'. */
  public static float h1(float a, float b, float q) {
    return f2(b, q) * (1f / f1(a, b, q));
  }

  /** h''. */
  public static float h2(float a, float b, float q) {
    float h1 = h1(a, b, q);
    return Math.fma(-h1, h1, f3(b, q) * (1f / f1(a, b, q)));
  }

  /** h'''. */
  public static float h3(float a, float b, float q) {
    float h1 = h1(a, b, q);
    float g = f3(b, q) * (1f / f1(a, b, q));
    return Math.fma(-h1, Math.fma(3f, g, -2f * (h1 * h1)), f4(b, q) * (1f / f1(a, b, q)));
  }

  @Override
  public void value(double a, double b, Matrix x, Matrix y, Matrix sigmoid, Matrix logDet) {
    for (int r = 0; r < x.rows(); r++) {
      double sum = 0;
      int from = r * x.columns();
      for (int i = from; i < from + x.columns(); i++) {
        float q =
            value((float) a, (float) b, x.floats(), x.offset() + i, y.floats(), y.offset() + i);
        sigmoid.floats()[sigmoid.offset() + i] = q;
        sum += DoublePolynomials.log(f1((float) a, (float) b, q));
      }
      logDet.doubles()[logDet.offset() + r] += sum;
    }
  }

  /** Stores f(x) and returns sigmoid(x). */
  public static float value(float a, float b, float[] xs, int xAt, float[] ys, int yAt) {
    float x = xs[xAt];
    float e = FloatPolynomials.exp(-Math.abs(x));
    float softplus = (x >= 0f ? x : 0f) + FloatPolynomials.log1p(e);
    ys[yAt] = Math.fma(a, x, b * softplus);
    return (x >= 0f ? 1f : e) / (1f + e);
  }

  @Override
  public void tangent(double a, double b, Matrix sigmoid, Matrix x1, Matrix y1, Matrix logDet1) {
    for (int r = 0; r < x1.rows(); r++) {
      double sum = 0;
      int from = r * x1.columns();
      for (int i = from; i < from + x1.columns(); i++) {
        float q = sigmoid.floats()[sigmoid.offset() + i];
        float u = x1.floats()[x1.offset() + i];
        y1.floats()[y1.offset() + i] = f1((float) a, (float) b, q) * u;
        sum += (double) h1((float) a, (float) b, q) * u;
      }
      logDet1.doubles()[logDet1.offset() + r] += sum;
    }
  }

  @Override
  public void second(
      double a, double b, Matrix sigmoid, Matrix x1, Matrix x2, Matrix y2, Matrix logDet2) {
    float alpha = (float) a;
    float beta = (float) b;
    for (int r = 0; r < x1.rows(); r++) {
      double sum = 0;
      int from = r * x1.columns();
      for (int i = from; i < from + x1.columns(); i++) {
        float q = sigmoid.floats()[sigmoid.offset() + i];
        float u1 = x1.floats()[x1.offset() + i];
        float u2 = x2.floats()[x2.offset() + i];
        sum += second(alpha, beta, q, u1, u2, y2.floats(), y2.offset() + i);
      }
      logDet2.doubles()[logDet2.offset() + r] += sum;
    }
  }

  /** Stores f''·x1² + f'·x2 and returns h''·x1² + h'·x2. */
  public static float second(float a, float b, float q, float x1, float x2, float[] y2s, int y2At) {
    y2s[y2At] = FloatJets.second(f1(a, b, q), f2(b, q), x1, x2);
    return FloatJets.second(h1(a, b, q), h2(a, b, q), x1, x2);
  }

  @Override
  public void pullBack0(double a, double b, Matrix sigmoid, Matrix yBar0, Matrix c0, Matrix xBar0) {
    for (int r = 0; r < xBar0.rows(); r++) {
      float d0 = (float) c0.doubles()[c0.offset() + r];
      int from = r * xBar0.columns();
      for (int i = from; i < from + xBar0.columns(); i++) {
        float q = sigmoid.floats()[sigmoid.offset() + i];
        xBar0.floats()[xBar0.offset() + i] =
            top((float) a, (float) b, q, yBar0.floats()[yBar0.offset() + i], d0);
      }
    }
  }

  /** f'·y + c·h': the cotangent of the highest order's input. */
  public static float top(float a, float b, float q, float y, float c) {
    return FloatJets.top(f1(a, b, q), y, h1(a, b, q), c);
  }

  @Override
  public void pullBack1(
      double a,
      double b,
      Matrix sigmoid,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix c0,
      Matrix c1,
      Matrix xBar0,
      @Nullable Matrix xBar1) {
    for (int r = 0; r < x1.rows(); r++) {
      float d0 = (float) c0.doubles()[c0.offset() + r];
      float d1 = (float) c1.doubles()[c1.offset() + r];
      int from = r * x1.columns();
      for (int i = from; i < from + x1.columns(); i++) {
        float q = sigmoid.floats()[sigmoid.offset() + i];
        float u1 = x1.floats()[x1.offset() + i];
        float v0 = yBar0.floats()[yBar0.offset() + i];
        float v1 = yBar1.floats()[yBar1.offset() + i];
        xBar0.floats()[xBar0.offset() + i] = first((float) a, (float) b, q, u1, v0, v1, d0, d1);
        if (xBar1 != null) {
          xBar1.floats()[xBar1.offset() + i] = top((float) a, (float) b, q, v1, d1);
        }
      }
    }
  }

  /** f'·y0 + f''·x1·y1 + c0·h' + c1·h''·x1. */
  public static float first(
      float a, float b, float q, float x1, float y0, float y1, float c0, float c1) {
    return FloatJets.first(f1(a, b, q), f2(b, q), x1, y0, y1, h1(a, b, q), h2(a, b, q), c0, c1);
  }

  @Override
  public void pullBack2(
      double a,
      double b,
      Matrix sigmoid,
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
    for (int r = 0; r < x1.rows(); r++) {
      float d0 = (float) c0.doubles()[c0.offset() + r];
      float d1 = (float) c1.doubles()[c1.offset() + r];
      float d2 = (float) c2.doubles()[c2.offset() + r];
      int from = r * x1.columns();
      for (int i = from; i < from + x1.columns(); i++) {
        float q = sigmoid.floats()[sigmoid.offset() + i];
        float u1 = x1.floats()[x1.offset() + i];
        float u2 = x2.floats()[x2.offset() + i];
        float v0 = yBar0.floats()[yBar0.offset() + i];
        float v1 = yBar1.floats()[yBar1.offset() + i];
        float v2 = yBar2.floats()[yBar2.offset() + i];
        xBar0.floats()[xBar0.offset() + i] =
            zeroth((float) a, (float) b, q, u1, u2, v0, v1, v2, d0, d1, d2);
        xBar1.floats()[xBar1.offset() + i] =
            first((float) a, (float) b, q, 2f * u1, v1, v2, d1, d2);
        if (xBar2 != null) {
          xBar2.floats()[xBar2.offset() + i] = top((float) a, (float) b, q, v2, d2);
        }
      }
    }
  }

  /** The cotangent of x0 for a jet of order 2. */
  public static float zeroth(
      float a,
      float b,
      float q,
      float x1,
      float x2,
      float y0,
      float y1,
      float y2,
      float c0,
      float c1,
      float c2) {
    float h1 = h1(a, b, q);
    float h2 = h2(a, b, q);
    float h3 = h3(a, b, q);
    return FloatJets.zeroth(
        f1(a, b, q), f2(b, q), f3(b, q), x1, x2, y0, y1, y2, h1, h2, h3, c0, c1, c2);
  }

  @Override
  public void inverse(double a, double b, Matrix y, Matrix x) {
    for (int i = 0; i < y.size(); i++) {
      x.floats()[x.offset() + i] = inverse((float) a, (float) b, y.floats()[y.offset() + i]);
    }
  }

  /**
   * Newton's method from the right of the root, where it descends: f is convex and increasing.
   * Stops when x no longer falls.
   */
  public static float inverse(float a, float b, float y) {
    float x = y / (y >= 0f ? a + b : a);
    for (int step = 0; step < NEWTON_STEPS; step++) {
      float excess = Math.fma(a, x, Math.fma(b, softplus(x), -y));
      float next = x - excess / f1(a, b, sigmoid(x));
      if (!(next < x)) {
        break;
      }
      x = next;
    }
    return x;
  }
}
