package org.ebflow.linalg.reference;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.OptimizerKernels;

/** Optimizer updates in float32, element by element. */
public final class FloatOptimizer implements OptimizerKernels {
  @Override
  public double sumOfSquares(Matrix g) {
    return FloatRows.dot(g.floats(), g.offset(), g.floats(), g.offset(), g.size());
  }

  @Override
  public void rmsProp(
      Matrix p,
      Matrix g,
      Matrix v,
      Matrix ema,
      double rate,
      double decay,
      double epsilon,
      double weightDecay,
      double gradScale,
      double emaDecay) {
    for (int i = 0; i < p.size(); i++) {
      float old = p.floats()[p.offset() + i];
      float gradient =
          decayed((float) gradScale, g.floats()[g.offset() + i], (float) weightDecay, old);
      int vAt = v.offset() + i;
      float square =
          moment((float) decay, v.floats()[vAt], (float) (1 - decay), gradient * gradient);
      float updated =
          step(old, (float) rate, gradient, (float) Math.sqrt(square) + (float) epsilon);
      int emaAt = ema.offset() + i;
      v.floats()[vAt] = square;
      p.floats()[p.offset() + i] = updated;
      ema.floats()[emaAt] = average((float) (1 - emaDecay), updated, ema.floats()[emaAt]);
    }
  }

  /** scale·g + decay·p. */
  public static float decayed(float scale, float g, float decay, float p) {
    return Math.fma(decay, p, scale * g);
  }

  /** decay·m + rest·x. */
  public static float moment(float decay, float m, float rest, float x) {
    return Math.fma(decay, m, rest * x);
  }

  /** p - rate·m/root. */
  public static float step(float p, float rate, float m, float root) {
    return p - rate * m / root;
  }

  /** ema + rest·(p - ema). */
  public static float average(float rest, float p, float ema) {
    return Math.fma(rest, p - ema, ema);
  }

  @Override
  public void adam(
      Matrix p,
      Matrix g,
      Matrix m,
      Matrix v,
      Matrix ema,
      double rate,
      double beta1,
      double beta2,
      double epsilon,
      double correction1,
      double correction2,
      double weightDecay,
      boolean decoupled,
      double gradScale,
      double emaDecay) {
    float keep = decoupled ? (float) (1 - rate * weightDecay) : 1f;
    float l2 = decoupled ? 0f : (float) weightDecay;
    float correctedRate = (float) (rate / correction1);
    float rootScale = (float) (1 / Math.sqrt(correction2));
    for (int i = 0; i < p.size(); i++) {
      float old = p.floats()[p.offset() + i];
      float gradient = decayed((float) gradScale, g.floats()[g.offset() + i], l2, old);
      int mAt = m.offset() + i;
      int vAt = v.offset() + i;
      float mean = moment((float) beta1, m.floats()[mAt], (float) (1 - beta1), gradient);
      float square =
          moment((float) beta2, v.floats()[vAt], (float) (1 - beta2), gradient * gradient);
      float root = Math.fma((float) Math.sqrt(square), rootScale, (float) epsilon);
      float updated = step(old * keep, correctedRate, mean, root);
      int emaAt = ema.offset() + i;
      m.floats()[mAt] = mean;
      v.floats()[vAt] = square;
      p.floats()[p.offset() + i] = updated;
      ema.floats()[emaAt] = average((float) (1 - emaDecay), updated, ema.floats()[emaAt]);
    }
  }
}
