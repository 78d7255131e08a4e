package org.ebflow.linalg.simd;

import static jdk.incubator.vector.FloatVector.broadcast;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.reference.FloatJets;

/**
 * The terms of {@link FloatJets} over {@code count} elements from {@code from} on, which lie in one
 * row.
 */
final class FloatVectorJets {
  private static final int LANES = SPECIES.length();

  private FloatVectorJets() {}

  /** Returns Σ h1·x1, per lane in float32, then over lanes in float64. */
  static double dot(Matrix h1, Matrix x1, int from, int count) {
    float[] h1s = h1.floats();
    float[] x1s = x1.floats();
    int h1At = h1.offset() + from;
    int x1At = x1.offset() + from;
    FloatVector sums = broadcast(SPECIES, 0f);
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      sums =
          FloatVector.fromArray(SPECIES, h1s, h1At + i)
              .fma(FloatVector.fromArray(SPECIES, x1s, x1At + i), sums);
    }
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) {
      sum += sums.lane(lane);
    }
    for (; i < count; i++) {
      sum += h1s[h1At + i] * x1s[x1At + i];
    }
    return sum;
  }

  /** out ← f2·x1² + f1·x2. */
  static void second(Matrix f1, Matrix f2, Matrix x1, Matrix x2, Matrix out, int from, int count) {
    float[] f1s = f1.floats();
    float[] f2s = f2.floats();
    float[] x1s = x1.floats();
    float[] x2s = x2.floats();
    float[] outs = out.floats();
    int f1At = f1.offset() + from;
    int f2At = f2.offset() + from;
    int x1At = x1.offset() + from;
    int x2At = x2.offset() + from;
    int outAt = out.offset() + from;
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector low =
          FloatVector.fromArray(SPECIES, f1s, f1At + i)
              .mul(FloatVector.fromArray(SPECIES, x2s, x2At + i));
      FloatVector.fromArray(SPECIES, f2s, f2At + i).mul(u1).fma(u1, low).intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      outs[outAt + i] =
          FloatJets.second(f1s[f1At + i], f2s[f2At + i], x1s[x1At + i], x2s[x2At + i]);
    }
  }

  /** Returns Σ h2·x1² + h1·x2, per lane in float32, then over lanes in float64. */
  static double sumOfSecond(Matrix h1, Matrix h2, Matrix x1, Matrix x2, int from, int count) {
    float[] h1s = h1.floats();
    float[] h2s = h2.floats();
    float[] x1s = x1.floats();
    float[] x2s = x2.floats();
    int h1At = h1.offset() + from;
    int h2At = h2.offset() + from;
    int x1At = x1.offset() + from;
    int x2At = x2.offset() + from;
    FloatVector sums = broadcast(SPECIES, 0f);
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector low =
          FloatVector.fromArray(SPECIES, h1s, h1At + i)
              .mul(FloatVector.fromArray(SPECIES, x2s, x2At + i));
      sums = sums.add(FloatVector.fromArray(SPECIES, h2s, h2At + i).mul(u1).fma(u1, low));
    }
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) {
      sum += sums.lane(lane);
    }
    for (; i < count; i++) {
      sum += FloatJets.second(h1s[h1At + i], h2s[h2At + i], x1s[x1At + i], x2s[x2At + i]);
    }
    return sum;
  }

  /** out ← f1·y + c·h1. */
  static void top(Matrix f1, Matrix y, Matrix h1, float c, Matrix out, int from, int count) {
    float[] f1s = f1.floats();
    float[] ys = y.floats();
    float[] h1s = h1.floats();
    float[] outs = out.floats();
    int f1At = f1.offset() + from;
    int yAt = y.offset() + from;
    int h1At = h1.offset() + from;
    int outAt = out.offset() + from;
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector constant = FloatVector.fromArray(SPECIES, h1s, h1At + i).mul(c);
      FloatVector v = FloatVector.fromArray(SPECIES, ys, yAt + i);
      FloatVector.fromArray(SPECIES, f1s, f1At + i).fma(v, constant).intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      outs[outAt + i] = FloatJets.top(f1s[f1At + i], ys[yAt + i], h1s[h1At + i], c);
    }
  }

  /** Adds factor·x1·(f2·y1 + c1·h2) to what {@link #top} left in out. */
  static void addFirst(
      Matrix f2,
      float factor,
      Matrix x1,
      Matrix y1,
      Matrix h2,
      float c1,
      Matrix out,
      int from,
      int count) {
    float[] f2s = f2.floats();
    float[] x1s = x1.floats();
    float[] y1s = y1.floats();
    float[] h2s = h2.floats();
    float[] outs = out.floats();
    int f2At = f2.offset() + from;
    int x1At = x1.offset() + from;
    int y1At = y1.offset() + from;
    int h2At = h2.offset() + from;
    int outAt = out.offset() + from;
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i).mul(factor);
      FloatVector constant = FloatVector.fromArray(SPECIES, h2s, h2At + i).mul(c1);
      FloatVector v1 = FloatVector.fromArray(SPECIES, y1s, y1At + i);
      FloatVector slope = FloatVector.fromArray(SPECIES, f2s, f2At + i).fma(v1, constant);
      u1.fma(slope, FloatVector.fromArray(SPECIES, outs, outAt + i)).intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      float slope = Math.fma(f2s[f2At + i], y1s[y1At + i], c1 * h2s[h2At + i]);
      outs[outAt + i] = Math.fma(factor * x1s[x1At + i], slope, outs[outAt + i]);
    }
  }

  /** Adds c·(h3·x1² + h2·x2) to out. */
  static void addSecond(
      Matrix h2, Matrix h3, Matrix x1, Matrix x2, float c, Matrix out, int from, int count) {
    float[] h2s = h2.floats();
    float[] h3s = h3.floats();
    float[] x1s = x1.floats();
    float[] x2s = x2.floats();
    float[] outs = out.floats();
    int h2At = h2.offset() + from;
    int h3At = h3.offset() + from;
    int x1At = x1.offset() + from;
    int x2At = x2.offset() + from;
    int outAt = out.offset() + from;
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector low =
          FloatVector.fromArray(SPECIES, h2s, h2At + i)
              .mul(FloatVector.fromArray(SPECIES, x2s, x2At + i));
      FloatVector h = FloatVector.fromArray(SPECIES, h3s, h3At + i).mul(u1).fma(u1, low);
      h.fma(broadcast(SPECIES, c), FloatVector.fromArray(SPECIES, outs, outAt + i))
          .intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      float h = FloatJets.second(h2s[h2At + i], h3s[h3At + i], x1s[x1At + i], x2s[x2At + i]);
      outs[outAt + i] = Math.fma(h, c, outs[outAt + i]);
    }
  }

  /** Adds y·(f3·x1² + f2·x2) to out. */
  static void addSecond(
      Matrix f2, Matrix f3, Matrix x1, Matrix x2, Matrix y, Matrix out, int from, int count) {
    float[] f2s = f2.floats();
    float[] f3s = f3.floats();
    float[] x1s = x1.floats();
    float[] x2s = x2.floats();
    float[] ys = y.floats();
    float[] outs = out.floats();
    int f2At = f2.offset() + from;
    int f3At = f3.offset() + from;
    int x1At = x1.offset() + from;
    int x2At = x2.offset() + from;
    int yAt = y.offset() + from;
    int outAt = out.offset() + from;
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector u1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector low =
          FloatVector.fromArray(SPECIES, f2s, f2At + i)
              .mul(FloatVector.fromArray(SPECIES, x2s, x2At + i));
      FloatVector f = FloatVector.fromArray(SPECIES, f3s, f3At + i).mul(u1).fma(u1, low);
      FloatVector v = FloatVector.fromArray(SPECIES, ys, yAt + i);
      f.fma(v, FloatVector.fromArray(SPECIES, outs, outAt + i)).intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      float f = FloatJets.second(f2s[f2At + i], f3s[f3At + i], x1s[x1At + i], x2s[x2At + i]);
      outs[outAt + i] = Math.fma(f, ys[yAt + i], outs[outAt + i]);
    }
  }
}
