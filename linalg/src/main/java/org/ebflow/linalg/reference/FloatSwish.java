package org.ebflow.linalg.reference;

import org.ebflow.linalg.ActivationKernels;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/** Swish, f(x) = x·s with s = sigmoid(βx), u = βx, in float32, element by element; x is finite. */
public final class FloatSwish implements ActivationKernels {
  /** f' = s + u·s'. */
  public static float f1(float u, float s) {
    return Math.fma(u, p(s), s);
  }

  /** 2s' + u·s'', so that f'' = β·a. */
  public static float a(float u, float s) {
    return p(s) * Math.fma(u, Math.fma(-2f, s, 1f), 2f);
  }

  /** 3s'' + u·s''', so that f''' = β²·b. */
  public static float b(float u, float s) {
    float slope = Math.fma(-2f, s, 1f);
    return p(s) * Math.fma(u, Math.fma(-6f, p(s), 1f), 3f * slope);
  }

  private static float p(float s) {
    return s * (1f - s);
  }

  private static float slopeAt(@Nullable Matrix slope, int column) {
    return slope == null ? 1f : slope.floats()[slope.offset() + column];
  }

  private static float at(Matrix m, int i) {
    return m.floats()[m.offset() + i];
  }

  @Override
  public void value(@Nullable Matrix slope, Matrix x, Matrix y, Matrix kept) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        float s = FloatSmoothLeakyRelu.sigmoid(slopeAt(slope, c) * at(x, i));
        kept.floats()[kept.offset() + i] = s;
        y.floats()[y.offset() + i] = at(x, i) * s;
      }
    }
  }

  @Override
  public void tangent(@Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix y1) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        float u = slopeAt(slope, c) * at(x, i);
        y1.floats()[y1.offset() + i] = f1(u, at(kept, i)) * at(x1, i);
      }
    }
  }

  @Override
  public void second(
      @Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix x2, Matrix y2) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        float beta = slopeAt(slope, c);
        float u = beta * at(x, i);
        float s = at(kept, i);
        y2.floats()[y2.offset() + i] =
            FloatJets.second(f1(u, s), beta * a(u, s), at(x1, i), at(x2, i));
      }
    }
  }

  @Override
  public void pullBack0(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix yBar0,
      Matrix xBar0,
      @Nullable Matrix slopeBar) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        float u = slopeAt(slope, c) * at(x, i);
        xBar0.floats()[xBar0.offset() + i] = f1(u, at(kept, i)) * at(yBar0, i);
        if (slopeBar != null) {
          slopeBar.floats()[slopeBar.offset() + i] = slopeBar0(at(x, i), at(kept, i), at(yBar0, i));
        }
      }
    }
  }

  /** y0·∂f/∂β = y0·x²·s'. */
  public static float slopeBar0(float x, float s, float y0) {
    return x * x * p(s) * y0;
  }

  @Override
  public void pullBack1(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix xBar0,
      @Nullable Matrix xBar1,
      @Nullable Matrix slopeBar) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        float beta = slopeAt(slope, c);
        float u = beta * at(x, i);
        float s = at(kept, i);
        float u1 = at(x1, i);
        float v1 = at(yBar1, i);
        xBar0.floats()[xBar0.offset() + i] = first(f1(u, s), beta * a(u, s), u1, at(yBar0, i), v1);
        if (xBar1 != null) {
          xBar1.floats()[xBar1.offset() + i] = f1(u, s) * v1;
        }
        if (slopeBar != null) {
          slopeBar.floats()[slopeBar.offset() + i] =
              slopeBar1(at(x, i), u, s, u1, at(yBar0, i), v1);
        }
      }
    }
  }

  /** f1·y0 + f2·x1·y1. */
  public static float first(float f1, float f2, float x1, float y0, float y1) {
    return Math.fma(f1, y0, f2 * x1 * y1);
  }

  /** {@link #slopeBar0} + y1·x1·∂f'/∂β, with ∂f'/∂β = x·a. */
  public static float slopeBar1(float x, float u, float s, float x1, float y0, float y1) {
    return Math.fma(x * a(u, s), x1 * y1, slopeBar0(x, s, y0));
  }

  @Override
  public void pullBack2(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix x1,
      Matrix x2,
      Matrix yBar0,
      Matrix yBar1,
      Matrix yBar2,
      Matrix xBar0,
      Matrix xBar1,
      @Nullable Matrix xBar2,
      @Nullable Matrix slopeBar) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        float beta = slopeAt(slope, c);
        float u = beta * at(x, i);
        float s = at(kept, i);
        float f1 = f1(u, s);
        float f2 = beta * a(u, s);
        float f3 = beta * beta * b(u, s);
        float u1 = at(x1, i);
        float u2 = at(x2, i);
        float v0 = at(yBar0, i);
        float v1 = at(yBar1, i);
        float v2 = at(yBar2, i);
        xBar0.floats()[xBar0.offset() + i] = zeroth(f1, f2, f3, u1, u2, v0, v1, v2);
        xBar1.floats()[xBar1.offset() + i] = first(f1, f2, 2f * u1, v1, v2);
        if (xBar2 != null) {
          xBar2.floats()[xBar2.offset() + i] = f1 * v2;
        }
        if (slopeBar != null) {
          slopeBar.floats()[slopeBar.offset() + i] = slopeBar2(at(x, i), u, s, u1, u2, v0, v1, v2);
        }
      }
    }
  }

  /** {@link #first} + (f3·x1² + f2·x2)·y2. */
  public static float zeroth(
      float f1, float f2, float f3, float x1, float x2, float y0, float y1, float y2) {
    return Math.fma(FloatJets.second(f2, f3, x1, x2), y2, first(f1, f2, x1, y0, y1));
  }

  /** {@link #slopeBar1} + y2·(x1²·∂f''/∂β + x2·∂f'/∂β), with ∂f''/∂β = a + u·b. */
  public static float slopeBar2(
      float x, float u, float s, float x1, float x2, float y0, float y1, float y2) {
    float a = a(u, s);
    float f2Slope = Math.fma(u, b(u, s), a);
    return Math.fma(FloatJets.second(x * a, f2Slope, x1, x2), y2, slopeBar1(x, u, s, x1, y0, y1));
  }
}
