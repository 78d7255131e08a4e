package org.ebflow.linalg.simd;

import static jdk.incubator.vector.FloatVector.broadcast;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.OptimizerKernels;
import org.ebflow.linalg.reference.FloatOptimizer;

/** Optimizer updates in float32 vectors: one pass over memory. */
public final class FloatVectorOptimizer implements OptimizerKernels {
  private static final int LANES = SPECIES.length();

  @Override
  public double sumOfSquares(Matrix g) {
    return FloatVectorBits.dot(g.floats(), g.offset(), g.floats(), g.offset(), g.size());
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
    rmsProp(
        p.floats(),
        p.offset(),
        g.floats(),
        g.offset(),
        v.floats(),
        v.offset(),
        ema.floats(),
        ema.offset(),
        p.size(),
        (float) rate,
        (float) decay,
        (float) (1 - decay),
        (float) epsilon,
        (float) weightDecay,
        (float) gradScale,
        (float) (1 - emaDecay));
  }

  private static void rmsProp(
      float[] ps,
      int pAt,
      float[] gs,
      int gAt,
      float[] vs,
      int vAt,
      float[] emas,
      int emaAt,
      int count,
      float rate,
      float decay,
      float rest,
      float epsilon,
      float weightDecay,
      float gradScale,
      float emaRest) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, ps, pAt + i);
      FloatVector g = FloatVector.fromArray(SPECIES, gs, gAt + i);
      FloatVector v = FloatVector.fromArray(SPECIES, vs, vAt + i);
      FloatVector ema = FloatVector.fromArray(SPECIES, emas, emaAt + i);
      FloatVector gradient = p.fma(broadcast(SPECIES, weightDecay), g.mul(gradScale));
      FloatVector square = v.fma(broadcast(SPECIES, decay), gradient.mul(gradient).mul(rest));
      FloatVector updated = p.sub(gradient.mul(rate).div(square.sqrt().add(epsilon)));
      square.intoArray(vs, vAt + i);
      updated.intoArray(ps, pAt + i);
      updated.sub(ema).fma(broadcast(SPECIES, emaRest), ema).intoArray(emas, emaAt + i);
    }
    for (; i < count; i++) {
      float p = ps[pAt + i];
      float gradient = FloatOptimizer.decayed(gradScale, gs[gAt + i], weightDecay, p);
      float square = FloatOptimizer.moment(decay, vs[vAt + i], rest, gradient * gradient);
      float updated = FloatOptimizer.step(p, rate, gradient, (float) Math.sqrt(square) + epsilon);
      vs[vAt + i] = square;
      ps[pAt + i] = updated;
      emas[emaAt + i] = FloatOptimizer.average(emaRest, updated, emas[emaAt + i]);
    }
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
    adam(
        p.floats(),
        p.offset(),
        g.floats(),
        g.offset(),
        m.floats(),
        m.offset(),
        v.floats(),
        v.offset(),
        ema.floats(),
        ema.offset(),
        p.size(),
        (float) (rate / correction1),
        (float) beta1,
        (float) (1 - beta1),
        (float) beta2,
        (float) (1 - beta2),
        (float) epsilon,
        (float) (1 / Math.sqrt(correction2)),
        decoupled ? (float) (1 - rate * weightDecay) : 1f,
        decoupled ? 0f : (float) weightDecay,
        (float) gradScale,
        (float) (1 - emaDecay));
  }

  private static void adam(
      float[] ps,
      int pAt,
      float[] gs,
      int gAt,
      float[] ms,
      int mAt,
      float[] vs,
      int vAt,
      float[] emas,
      int emaAt,
      int count,
      float rate,
      float beta1,
      float rest1,
      float beta2,
      float rest2,
      float epsilon,
      float rootScale,
      float keep,
      float l2,
      float gradScale,
      float emaRest) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, ps, pAt + i);
      FloatVector g = FloatVector.fromArray(SPECIES, gs, gAt + i);
      FloatVector m = FloatVector.fromArray(SPECIES, ms, mAt + i);
      FloatVector v = FloatVector.fromArray(SPECIES, vs, vAt + i);
      FloatVector ema = FloatVector.fromArray(SPECIES, emas, emaAt + i);
      FloatVector gradient = p.fma(broadcast(SPECIES, l2), g.mul(gradScale));
      FloatVector mean = m.fma(broadcast(SPECIES, beta1), gradient.mul(rest1));
      FloatVector square = v.fma(broadcast(SPECIES, beta2), gradient.mul(gradient).mul(rest2));
      FloatVector root =
          square.sqrt().fma(broadcast(SPECIES, rootScale), broadcast(SPECIES, epsilon));
      FloatVector updated = p.mul(keep).sub(mean.mul(rate).div(root));
      mean.intoArray(ms, mAt + i);
      square.intoArray(vs, vAt + i);
      updated.intoArray(ps, pAt + i);
      updated.sub(ema).fma(broadcast(SPECIES, emaRest), ema).intoArray(emas, emaAt + i);
    }
    for (; i < count; i++) {
      float p = ps[pAt + i];
      float gradient = FloatOptimizer.decayed(gradScale, gs[gAt + i], l2, p);
      float mean = FloatOptimizer.moment(beta1, ms[mAt + i], rest1, gradient);
      float square = FloatOptimizer.moment(beta2, vs[vAt + i], rest2, gradient * gradient);
      float root = Math.fma((float) Math.sqrt(square), rootScale, epsilon);
      float updated = FloatOptimizer.step(p * keep, rate, mean, root);
      ms[mAt + i] = mean;
      vs[vAt + i] = square;
      ps[pAt + i] = updated;
      emas[emaAt + i] = FloatOptimizer.average(emaRest, updated, emas[emaAt + i]);
    }
  }
}
