package org.ebflow.linalg.simd;

import static jdk.incubator.vector.FloatVector.broadcast;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.ebflow.linalg.ActivationKernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.reference.FloatElu;
import org.ebflow.linalg.reference.FloatJets;
import org.ebflow.linalg.reference.FloatSwish;
import org.jspecify.annotations.Nullable;

/** ELU in float32 vectors. */
public final class FloatVectorElu implements ActivationKernels {
  private static final int LANES = SPECIES.length();

  @Override
  public void value(@Nullable Matrix slope, Matrix x, Matrix y, Matrix kept) {
    value(x.floats(), x.offset(), y.floats(), y.offset(), kept.floats(), kept.offset(), x.size());
  }

  private static void value(
      float[] xs, int xAt, float[] ys, int yAt, float[] slopes, int slopeAt, int count) {
    int bound = SPECIES.loopBound(count);
    FloatVectorPolynomials.expm1OfNegative(xs, xAt, ys, yAt, bound);
    FloatVectorPolynomials.expOfNegative(1f, xs, xAt, slopes, slopeAt, bound);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector y = FloatVector.fromArray(SPECIES, ys, yAt + i);
      FloatVector slope = FloatVector.fromArray(SPECIES, slopes, slopeAt + i);
      y.blend(x, x.compare(VectorOperators.GT, 0f)).intoArray(ys, yAt + i);
      slope
          .blend(broadcast(SPECIES, 1f), x.compare(VectorOperators.GT, 0f))
          .intoArray(slopes, slopeAt + i);
    }
    for (; i < count; i++) {
      ys[yAt + i] = FloatElu.f(xs[xAt + i]);
      slopes[slopeAt + i] = FloatElu.f1(xs[xAt + i]);
    }
  }

  @Override
  public void tangent(@Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix y1) {
    float[] f1s = kept.floats();
    float[] x1s = x1.floats();
    float[] y1s = y1.floats();
    int f1At = kept.offset();
    int x1At = x1.offset();
    int y1At = y1.offset();
    int count = x1.size();
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector f1 = FloatVector.fromArray(SPECIES, f1s, f1At + i);
      f1.mul(FloatVector.fromArray(SPECIES, x1s, x1At + i)).intoArray(y1s, y1At + i);
    }
    for (; i < count; i++) {
      y1s[y1At + i] = f1s[f1At + i] * x1s[x1At + i];
    }
  }

  @Override
  public void second(
      @Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix x2, Matrix y2) {
    float[] xs = x.floats();
    float[] f1s = kept.floats();
    float[] x1s = x1.floats();
    float[] x2s = x2.floats();
    float[] y2s = y2.floats();
    int xAt = x.offset();
    int f1At = kept.offset();
    int x1At = x1.offset();
    int x2At = x2.offset();
    int y2At = y2.offset();
    int count = x.size();
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector f1 = FloatVector.fromArray(SPECIES, f1s, f1At + i);
      FloatVector f2 =
          f1.blend(0f, FloatVector.fromArray(SPECIES, xs, xAt + i).compare(VectorOperators.GT, 0f));
      FloatVector v1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      f2.mul(v1)
          .fma(v1, f1.mul(FloatVector.fromArray(SPECIES, x2s, x2At + i)))
          .intoArray(y2s, y2At + i);
    }
    for (; i < count; i++) {
      float f1 = f1s[f1At + i];
      y2s[y2At + i] =
          FloatJets.second(f1, FloatElu.f2(xs[xAt + i], f1), x1s[x1At + i], x2s[x2At + i]);
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
    tangent(slope, x, kept, yBar0, xBar0);
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
    first(x, kept, 1f, x1, yBar0, yBar1, xBar0);
    if (xBar1 != null) {
      tangent(slope, x, kept, yBar1, xBar1);
    }
  }

  /** out ← f'·y0 + f''·(factor·x1)·y1. */
  private static void first(
      Matrix x, Matrix kept, float factor, Matrix x1, Matrix y0, Matrix y1, Matrix out) {
    float[] xs = x.floats();
    float[] f1s = kept.floats();
    float[] x1s = x1.floats();
    float[] y0s = y0.floats();
    float[] y1s = y1.floats();
    float[] outs = out.floats();
    int xAt = x.offset();
    int f1At = kept.offset();
    int x1At = x1.offset();
    int y0At = y0.offset();
    int y1At = y1.offset();
    int outAt = out.offset();
    int count = x.size();
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector f1 = FloatVector.fromArray(SPECIES, f1s, f1At + i);
      FloatVector f2 =
          f1.blend(0f, FloatVector.fromArray(SPECIES, xs, xAt + i).compare(VectorOperators.GT, 0f));
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i).mul(factor);
      FloatVector v1 = FloatVector.fromArray(SPECIES, y1s, y1At + i);
      f1.fma(FloatVector.fromArray(SPECIES, y0s, y0At + i), f2.mul(u1).mul(v1))
          .intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      float f1 = f1s[f1At + i];
      float f2 = FloatElu.f2(xs[xAt + i], f1);
      outs[outAt + i] =
          FloatSwish.first(f1, f2, factor * x1s[x1At + i], y0s[y0At + i], y1s[y1At + i]);
    }
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
    zeroth(x, kept, x1, x2, yBar0, yBar1, yBar2, xBar0);
    first(x, kept, 2f, x1, yBar1, yBar2, xBar1);
    if (xBar2 != null) {
      tangent(slope, x, kept, yBar2, xBar2);
    }
  }

  /** out ← f'·y0 + f''·x1·y1 + f''·(x1² + x2)·y2, since f''' = f''. */
  private static void zeroth(
      Matrix x, Matrix kept, Matrix x1, Matrix x2, Matrix y0, Matrix y1, Matrix y2, Matrix out) {
    float[] xs = x.floats();
    float[] f1s = kept.floats();
    float[] x1s = x1.floats();
    float[] x2s = x2.floats();
    float[] y0s = y0.floats();
    float[] y1s = y1.floats();
    float[] y2s = y2.floats();
    float[] outs = out.floats();
    int xAt = x.offset();
    int f1At = kept.offset();
    int x1At = x1.offset();
    int x2At = x2.offset();
    int y0At = y0.offset();
    int y1At = y1.offset();
    int y2At = y2.offset();
    int outAt = out.offset();
    int count = x.size();
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector f1 = FloatVector.fromArray(SPECIES, f1s, f1At + i);
      FloatVector f2 =
          f1.blend(0f, FloatVector.fromArray(SPECIES, xs, xAt + i).compare(VectorOperators.GT, 0f));
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector u2 = FloatVector.fromArray(SPECIES, x2s, x2At + i);
      FloatVector v1 = FloatVector.fromArray(SPECIES, y1s, y1At + i);
      FloatVector v2 = FloatVector.fromArray(SPECIES, y2s, y2At + i);
      FloatVector lower = f1.fma(FloatVector.fromArray(SPECIES, y0s, y0At + i), f2.mul(u1).mul(v1));
      f2.mul(u1).fma(u1, f2.mul(u2)).fma(v2, lower).intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      float f1 = f1s[f1At + i];
      float f2 = FloatElu.f2(xs[xAt + i], f1);
      float v2 = y2s[y2At + i];
      outs[outAt + i] =
          FloatSwish.zeroth(
              f1, f2, f2, x1s[x1At + i], x2s[x2At + i], y0s[y0At + i], y1s[y1At + i], v2);
    }
  }
}
