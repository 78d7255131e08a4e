package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.Matrix;

/**
 * Smooth leaky ReLU in float32, f(x) = a·x + b·softplus(x); keeps q = sigmoid(x).
 *
 * <p>Numerics: softplus and sigmoid keep their relative accuracy where they are tiny.
 */
@Vectorized
public final class FloatSmoothLeakyRelu implements ElementwiseBijection {
  private static final int NEWTON_STEPS = 50;

  /**
   * Elements of a block of Newton's method: few, since the slowest of them holds up the others, and
   * enough to fill the pipeline.
   */
  private static final int BLOCK = 64;

  /** e^(-|x|), log(1 + e^(-|x|)) and the last step of a block. */
  private record Newton(Matrix e, Matrix log, Matrix fall) {
    static final ThreadLocal<Newton> OF_THREAD =
        ThreadLocal.withInitial(() -> new Newton(row(), row(), row()));

    private static Matrix row() {
      return Matrix.of(new float[BLOCK], 1, BLOCK);
    }
  }

  @Override
  public int keeps(int order) {
    return 1;
  }

  @Override
  public void value(
      Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
    float a = at(parameters, 0);
    float b = at(parameters, 1);
    Matrix q = kept[0];
    float[] qs = q.floats();
    int qAt = q.offset() + from;
    FloatPolynomials.expOfNegative(1f, x.floats(), x.offset() + from, qs, qAt, n);
    FloatPolynomials.log1p(qs, qAt, y.floats(), y.offset() + from, n);
    for (int i = 0; i < n; i++) {
      float u = at(x, from + i);
      float e = at(q, from + i);
      float s = (u >= 0f ? 1f : e) / (1f + e);
      float softplus = (u >= 0f ? u : 0f) + at(y, from + i);
      set(y, from + i, Math.fma(a, u, b * softplus));
      set(q, from + i, s);
      set(f1, i, Math.fma(b, s, a));
    }
  }

  @Override
  public void derivatives(
      Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
    float a = at(parameters, 0);
    float b = at(parameters, 1);
    for (int i = 0; i < n; i++) {
      float q = at(kept[0], from + i);
      float p = q * (1f - q);
      float f2 = b * p;
      set(d.f1(), i, Math.fma(b, q, a));
      set(d.f2(), i, f2);
      if (highest >= 3) {
        set(d.f3(), i, f2 * Math.fma(-2f, q, 1f));
      }
      if (highest >= 4) {
        set(d.f4(), i, f2 * Math.fma(-6f, p, 1f));
      }
    }
  }

  /**
   * Newton's method from the right of the root, where it descends: f is convex and increasing. A
   * block goes on until none of its elements falls any more, and one that stands still stays.
   */
  @Override
  public void inverse(Matrix parameters, Matrix y, Matrix x) {
    Newton newton = Newton.OF_THREAD.get();
    float a = at(parameters, 0);
    float b = at(parameters, 1);
    for (int from = 0; from < y.size(); from += BLOCK) {
      int n = Math.min(BLOCK, y.size() - from);
      start(a, a + b, y, x, from, n);
      boolean falls = true;
      for (int step = 0; step < NEWTON_STEPS && falls; step++) {
        float[] es = newton.e.floats();
        FloatPolynomials.expOfNegative(1f, x.floats(), x.offset() + from, es, 0, n);
        FloatPolynomials.log1p(es, 0, newton.log.floats(), 0, n);
        step(a, b, y, x, newton, from, n);
        falls = FloatSums.sum(newton.fall, 0, n) > 0;
      }
    }
  }

  /** x ← y over the slope on its side: not to the left of the root. */
  private static void start(float left, float right, Matrix y, Matrix x, int from, int n) {
    for (int i = 0; i < n; i++) {
      float v = at(y, from + i);
      set(x, from + i, v / (v >= 0f ? right : left));
    }
  }

  private static void step(float a, float b, Matrix y, Matrix x, Newton newton, int from, int n) {
    for (int i = 0; i < n; i++) {
      float u = at(x, from + i);
      float e = at(newton.e, i);
      float softplus = (u >= 0f ? u : 0f) + at(newton.log, i);
      float q = (u >= 0f ? 1f : e) / (1f + e);
      float excess = Math.fma(a, u, Math.fma(b, softplus, -at(y, from + i)));
      float next = u - excess / Math.fma(b, q, a);
      set(newton.fall, i, next < u ? u - next : 0f);
      set(x, from + i, next < u ? next : u);
    }
  }
}
