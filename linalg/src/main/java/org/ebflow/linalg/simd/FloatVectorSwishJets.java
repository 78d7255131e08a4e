package org.ebflow.linalg.simd;

import static jdk.incubator.vector.FloatVector.broadcast;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.reference.FloatJets;
import org.ebflow.linalg.reference.FloatSwish;

/**
 * The terms of Swish's jets over {@code count} elements from {@code from} on, with s = sigmoid(βx),
 * u = βx and p = s(1-s). The slopes repeat: either their number is a multiple of the lanes, or
 * there are {@code count} of them. Formulas: {@link FloatSwish}.
 */
final class FloatVectorSwishJets {
  private static final int LANES = SPECIES.length();

  private FloatVectorSwishJets() {}

  /** out ← f'·v. */
  static void top(Matrix slopes, Matrix x, Matrix kept, Matrix v, Matrix out, int from, int count) {
    float[] betas = slopes.floats();
    float[] xs = x.floats();
    float[] ss = kept.floats();
    float[] vs = v.floats();
    float[] outs = out.floats();
    int betaAt = slopes.offset();
    int xAt = x.offset() + from;
    int sAt = kept.offset() + from;
    int vAt = v.offset() + from;
    int outAt = out.offset() + from;
    int period = slopes.columns();
    int bound = SPECIES.loopBound(count);
    int column = 0;
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector u =
          FloatVector.fromArray(SPECIES, betas, betaAt + column)
              .mul(FloatVector.fromArray(SPECIES, xs, xAt + i));
      FloatVector s = FloatVector.fromArray(SPECIES, ss, sAt + i);
      FloatVector f1 = u.fma(s.mul(broadcast(SPECIES, 1f).sub(s)), s);
      f1.mul(FloatVector.fromArray(SPECIES, vs, vAt + i)).intoArray(outs, outAt + i);
      column = column + LANES == period ? 0 : column + LANES;
    }
    for (; i < count; i++, column++) {
      outs[outAt + i] =
          FloatSwish.f1(betas[betaAt + column] * xs[xAt + i], ss[sAt + i]) * vs[vAt + i];
    }
  }

  /** out ← f''·x1² + f'·x2. */
  static void second(
      Matrix slopes, Matrix x, Matrix kept, Matrix x1, Matrix x2, Matrix out, int from, int count) {
    float[] betas = slopes.floats();
    float[] xs = x.floats();
    float[] ss = kept.floats();
    float[] x1s = x1.floats();
    float[] x2s = x2.floats();
    float[] outs = out.floats();
    int betaAt = slopes.offset();
    int xAt = x.offset() + from;
    int sAt = kept.offset() + from;
    int x1At = x1.offset() + from;
    int x2At = x2.offset() + from;
    int outAt = out.offset() + from;
    int period = slopes.columns();
    int bound = SPECIES.loopBound(count);
    int column = 0;
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector beta = FloatVector.fromArray(SPECIES, betas, betaAt + column);
      FloatVector u = beta.mul(FloatVector.fromArray(SPECIES, xs, xAt + i));
      FloatVector s = FloatVector.fromArray(SPECIES, ss, sAt + i);
      FloatVector p = s.mul(broadcast(SPECIES, 1f).sub(s));
      FloatVector a =
          p.mul(
              u.fma(
                  s.fma(broadcast(SPECIES, -2f), broadcast(SPECIES, 1f)), broadcast(SPECIES, 2f)));
      FloatVector v1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector v2 = FloatVector.fromArray(SPECIES, x2s, x2At + i);
      beta.mul(a).mul(v1).fma(v1, u.fma(p, s).mul(v2)).intoArray(outs, outAt + i);
      column = column + LANES == period ? 0 : column + LANES;
    }
    for (; i < count; i++, column++) {
      float beta = betas[betaAt + column];
      float u = beta * xs[xAt + i];
      float s = ss[sAt + i];
      outs[outAt + i] =
          FloatJets.second(
              FloatSwish.f1(u, s), beta * FloatSwish.a(u, s), x1s[x1At + i], x2s[x2At + i]);
    }
  }

  /** out ← f'·y0 + f''·(factor·x1)·y1. */
  static void first(
      Matrix slopes,
      Matrix x,
      Matrix kept,
      float factor,
      Matrix x1,
      Matrix y0,
      Matrix y1,
      Matrix out,
      int from,
      int count) {
    float[] betas = slopes.floats();
    float[] xs = x.floats();
    float[] ss = kept.floats();
    float[] x1s = x1.floats();
    float[] y0s = y0.floats();
    float[] y1s = y1.floats();
    float[] outs = out.floats();
    int betaAt = slopes.offset();
    int xAt = x.offset() + from;
    int sAt = kept.offset() + from;
    int x1At = x1.offset() + from;
    int y0At = y0.offset() + from;
    int y1At = y1.offset() + from;
    int outAt = out.offset() + from;
    int period = slopes.columns();
    int bound = SPECIES.loopBound(count);
    int column = 0;
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector beta = FloatVector.fromArray(SPECIES, betas, betaAt + column);
      FloatVector u = beta.mul(FloatVector.fromArray(SPECIES, xs, xAt + i));
      FloatVector s = FloatVector.fromArray(SPECIES, ss, sAt + i);
      FloatVector p = s.mul(broadcast(SPECIES, 1f).sub(s));
      FloatVector a =
          p.mul(
              u.fma(
                  s.fma(broadcast(SPECIES, -2f), broadcast(SPECIES, 1f)), broadcast(SPECIES, 2f)));
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i).mul(factor);
      FloatVector v0 = FloatVector.fromArray(SPECIES, y0s, y0At + i);
      FloatVector v1 = FloatVector.fromArray(SPECIES, y1s, y1At + i);
      u.fma(p, s).fma(v0, beta.mul(a).mul(u1).mul(v1)).intoArray(outs, outAt + i);
      column = column + LANES == period ? 0 : column + LANES;
    }
    for (; i < count; i++, column++) {
      float beta = betas[betaAt + column];
      float u = beta * xs[xAt + i];
      float s = ss[sAt + i];
      outs[outAt + i] =
          FloatSwish.first(
              FloatSwish.f1(u, s),
              beta * FloatSwish.a(u, s),
              factor * x1s[x1At + i],
              y0s[y0At + i],
              y1s[y1At + i]);
    }
  }

  /** out ← f'·y0 + f''·x1·y1 + (f'''·x1² + f''·x2)·y2. */
  static void zeroth(
      Matrix slopes,
      Matrix x,
      Matrix kept,
      Matrix x1,
      Matrix x2,
      Matrix y0,
      Matrix y1,
      Matrix y2,
      Matrix out,
      int from,
      int count) {
    float[] betas = slopes.floats();
    float[] xs = x.floats();
    float[] ss = kept.floats();
    float[] x1s = x1.floats();
    float[] x2s = x2.floats();
    float[] y0s = y0.floats();
    float[] y1s = y1.floats();
    float[] y2s = y2.floats();
    float[] outs = out.floats();
    int betaAt = slopes.offset();
    int xAt = x.offset() + from;
    int sAt = kept.offset() + from;
    int x1At = x1.offset() + from;
    int x2At = x2.offset() + from;
    int y0At = y0.offset() + from;
    int y1At = y1.offset() + from;
    int y2At = y2.offset() + from;
    int outAt = out.offset() + from;
    int period = slopes.columns();
    int bound = SPECIES.loopBound(count);
    int column = 0;
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector beta = FloatVector.fromArray(SPECIES, betas, betaAt + column);
      FloatVector u = beta.mul(FloatVector.fromArray(SPECIES, xs, xAt + i));
      FloatVector s = FloatVector.fromArray(SPECIES, ss, sAt + i);
      FloatVector p = s.mul(broadcast(SPECIES, 1f).sub(s));
      FloatVector fall = s.fma(broadcast(SPECIES, -2f), broadcast(SPECIES, 1f));
      FloatVector f2 = beta.mul(p.mul(u.fma(fall, broadcast(SPECIES, 2f))));
      FloatVector b =
          p.mul(u.fma(p.fma(broadcast(SPECIES, -6f), broadcast(SPECIES, 1f)), fall.mul(3f)));
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector u2 = FloatVector.fromArray(SPECIES, x2s, x2At + i);
      FloatVector v0 = FloatVector.fromArray(SPECIES, y0s, y0At + i);
      FloatVector v1 = FloatVector.fromArray(SPECIES, y1s, y1At + i);
      FloatVector v2 = FloatVector.fromArray(SPECIES, y2s, y2At + i);
      FloatVector lower = u.fma(p, s).fma(v0, f2.mul(u1).mul(v1));
      beta.mul(beta).mul(b).mul(u1).fma(u1, f2.mul(u2)).fma(v2, lower).intoArray(outs, outAt + i);
      column = column + LANES == period ? 0 : column + LANES;
    }
    for (; i < count; i++, column++) {
      float beta = betas[betaAt + column];
      float u = beta * xs[xAt + i];
      float s = ss[sAt + i];
      float f2 = beta * FloatSwish.a(u, s);
      float f3 = beta * beta * FloatSwish.b(u, s);
      float v1 = y1s[y1At + i];
      outs[outAt + i] =
          FloatSwish.zeroth(
              FloatSwish.f1(u, s),
              f2,
              f3,
              x1s[x1At + i],
              x2s[x2At + i],
              y0s[y0At + i],
              v1,
              y2s[y2At + i]);
    }
  }
}
