package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.Matrix;

/**
 * Swish in float32, f(x) = x·s with s = sigmoid(u), u = βx and a trainable β per column; keeps s. x
 * is finite.
 *
 * <p>With p = s(1-s), A = 2s' + u·s'' and B = 3s'' + u·s''' as derivatives at u: f' = s + u·p, f''
 * = β·A, f''' = β²·B.
 */
@Vectorized
public final class FloatSwish implements ElementwiseFunction {
  @Override
  public int keeps(int order) {
    return 1;
  }

  /** Elements from number {@code at} on that lie in one row of β. */
  private static int run(Matrix beta, int at, int end) {
    return Math.min(beta.columns() - at % beta.columns(), end - at);
  }

  @Override
  public void value(
      Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
    for (int at = from, run; at < from + n; at += run) {
      run = run(parameters, at, from + n);
      argument(parameters, at % parameters.columns(), x, y, at, run);
    }
    FloatSigmoid.apply(1f, y, kept[0], from, n);
    for (int i = 0; i < n; i++) {
      float s = at(kept[0], from + i);
      set(f1, i, Math.fma(at(y, from + i), s * (1f - s), s));
      set(y, from + i, at(x, from + i) * s);
    }
  }

  /** out ← βx. */
  private static void argument(Matrix beta, int column, Matrix x, Matrix out, int from, int n) {
    for (int i = 0; i < n; i++) {
      set(out, from + i, at(beta, column + i) * at(x, from + i));
    }
  }

  @Override
  public void derivatives(
      Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
    for (int at = from, run; at < from + n; at += run) {
      run = run(parameters, at, from + n);
      derivatives(
          parameters, at % parameters.columns(), x, kept[0], d, highest, at, at - from, run);
    }
  }

  private static void derivatives(
      Matrix beta,
      int column,
      Matrix x,
      Matrix sigmoid,
      Derivatives d,
      int highest,
      int from,
      int to,
      int n) {
    for (int i = 0; i < n; i++) {
      float slope = at(beta, column + i);
      float u = slope * at(x, from + i);
      float s = at(sigmoid, from + i);
      float p = s * (1f - s);
      set(d.f1(), to + i, Math.fma(u, p, s));
      if (highest >= 2) {
        float fall = Math.fma(-2f, s, 1f);
        set(d.f2(), to + i, slope * (p * Math.fma(u, fall, 2f)));
        if (highest >= 3) {
          float b = p * Math.fma(u, Math.fma(-6f, p, 1f), 3f * fall);
          set(d.f3(), to + i, slope * slope * b);
        }
      }
    }
  }

  @Override
  public void pullBackParameters(
      Matrix parameters,
      Matrix x,
      Matrix[] kept,
      Matrix fBar0,
      Cotangents fBar,
      Matrix[] bars,
      int from,
      int n) {
    for (int at = from, run; at < from + n; at += run) {
      run = run(parameters, at, from + n);
      int column = at % parameters.columns();
      slopeBars(parameters, column, x, kept[0], fBar0, fBar, bars[0], at, at - from, run);
    }
  }

  /** ∂f/∂β = x²p, ∂f'/∂β = xA, ∂f''/∂β = A + uB; no more, for want of a log-determinant. */
  private static void slopeBars(
      Matrix beta,
      int column,
      Matrix x,
      Matrix sigmoid,
      Matrix fBar0,
      Cotangents fBar,
      Matrix slopeBar,
      int from,
      int scratch,
      int n) {
    for (int i = 0; i < n; i++) {
      float z = at(x, from + i);
      float u = at(beta, column + i) * z;
      float s = at(sigmoid, from + i);
      float p = s * (1f - s);
      float fall = Math.fma(-2f, s, 1f);
      float a = p * Math.fma(u, fall, 2f);
      float b = p * Math.fma(u, Math.fma(-6f, p, 1f), 3f * fall);
      float order0 = z * z * p * at(fBar0, from + i);
      float order1 = Math.fma(z * a, at(fBar.f1(), scratch + i), order0);
      set(slopeBar, from + i, Math.fma(Math.fma(u, b, a), at(fBar.f2(), scratch + i), order1));
    }
  }
}
