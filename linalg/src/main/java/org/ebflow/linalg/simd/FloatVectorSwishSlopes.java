package org.ebflow.linalg.simd;

import static jdk.incubator.vector.FloatVector.broadcast;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.reference.FloatSwish;

/**
 * Σ yBar·∂y/∂β per element for jets of order 0, 1 and 2 over {@code count} elements from {@code
 * from} on. Slopes and notation as in {@link FloatVectorSwishJets}.
 */
final class FloatVectorSwishSlopes {
  private static final int LANES = SPECIES.length();

  private FloatVectorSwishSlopes() {}

  /** out ← x²·p·y0, for which the slope is not needed. */
  static void order0(Matrix x, Matrix kept, Matrix y0, Matrix out, int from, int count) {
    float[] xs = x.floats();
    float[] ss = kept.floats();
    float[] y0s = y0.floats();
    float[] outs = out.floats();
    int xAt = x.offset() + from;
    int sAt = kept.offset() + from;
    int y0At = y0.offset() + from;
    int outAt = out.offset() + from;
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector z = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector s = FloatVector.fromArray(SPECIES, ss, sAt + i);
      FloatVector p = s.mul(broadcast(SPECIES, 1f).sub(s));
      z.mul(z).mul(p).mul(FloatVector.fromArray(SPECIES, y0s, y0At + i)).intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      outs[outAt + i] = FloatSwish.slopeBar0(xs[xAt + i], ss[sAt + i], y0s[y0At + i]);
    }
  }

  /** out ← {@link #order0} + y1·x1·∂f'/∂β. */
  static void order1(
      Matrix slopes,
      Matrix x,
      Matrix kept,
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
      FloatVector z = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector u = FloatVector.fromArray(SPECIES, betas, betaAt + column).mul(z);
      FloatVector s = FloatVector.fromArray(SPECIES, ss, sAt + i);
      FloatVector p = s.mul(broadcast(SPECIES, 1f).sub(s));
      FloatVector a =
          p.mul(
              u.fma(
                  s.fma(broadcast(SPECIES, -2f), broadcast(SPECIES, 1f)), broadcast(SPECIES, 2f)));
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector v1 = FloatVector.fromArray(SPECIES, y1s, y1At + i);
      FloatVector order0 = z.mul(z).mul(p).mul(FloatVector.fromArray(SPECIES, y0s, y0At + i));
      z.mul(a).fma(u1.mul(v1), order0).intoArray(outs, outAt + i);
      column = column + LANES == period ? 0 : column + LANES;
    }
    for (; i < count; i++, column++) {
      float z = xs[xAt + i];
      outs[outAt + i] =
          FloatSwish.slopeBar1(
              z,
              betas[betaAt + column] * z,
              ss[sAt + i],
              x1s[x1At + i],
              y0s[y0At + i],
              y1s[y1At + i]);
    }
  }

  /** out ← {@link #order1} + y2·(x1²·∂f''/∂β + x2·∂f'/∂β). */
  static void order2(
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
      FloatVector z = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector u = FloatVector.fromArray(SPECIES, betas, betaAt + column).mul(z);
      FloatVector s = FloatVector.fromArray(SPECIES, ss, sAt + i);
      FloatVector p = s.mul(broadcast(SPECIES, 1f).sub(s));
      FloatVector fall = s.fma(broadcast(SPECIES, -2f), broadcast(SPECIES, 1f));
      FloatVector a = p.mul(u.fma(fall, broadcast(SPECIES, 2f)));
      FloatVector b =
          p.mul(u.fma(p.fma(broadcast(SPECIES, -6f), broadcast(SPECIES, 1f)), fall.mul(3f)));
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector v1 = FloatVector.fromArray(SPECIES, y1s, y1At + i);
      FloatVector order0 = z.mul(z).mul(p).mul(FloatVector.fromArray(SPECIES, y0s, y0At + i));
      FloatVector order1 = z.mul(a).fma(u1.mul(v1), order0);
      FloatVector f1Slope = z.mul(a).mul(FloatVector.fromArray(SPECIES, x2s, x2At + i));
      FloatVector slope = u.fma(b, a).mul(u1).fma(u1, f1Slope);
      slope.fma(FloatVector.fromArray(SPECIES, y2s, y2At + i), order1).intoArray(outs, outAt + i);
      column = column + LANES == period ? 0 : column + LANES;
    }
    for (; i < count; i++, column++) {
      float z = xs[xAt + i];
      float u = betas[betaAt + column] * z;
      float v2 = y2s[y2At + i];
      outs[outAt + i] =
          FloatSwish.slopeBar2(
              z, u, ss[sAt + i], x1s[x1At + i], x2s[x2At + i], y0s[y0At + i], y1s[y1At + i], v2);
    }
  }
}
