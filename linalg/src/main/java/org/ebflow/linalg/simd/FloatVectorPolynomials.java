package org.ebflow.linalg.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.ebflow.linalg.reference.FloatPolynomials;

/**
 * The elementary functions of {@link FloatPolynomials} over {@code count} elements, with the same
 * bits.
 *
 * <p>Each is one flat loop over vector operations, without helper methods: the compiler stops
 * inlining those in the middle of a long expression, or when they happen to be compiled first, and
 * every vector is then boxed. What needs several functions passes several times over a row in the
 * first cache.
 */
final class FloatVectorPolynomials {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  static final float ROUND = 0x1.8p23f;

  private static final int LANES = SPECIES.length();
  private static final float LOG2_E = 1.442695f;
  private static final float LN2_HIGH = 0.6931472f;
  private static final float LN2_LOW = -1.9046542e-9f;

  private static final float EXP_LOWEST = -104f;
  private static final float EXPM1_LOWEST = -20f;
  private static final int BIAS = 127;
  private static final int RAISE = 64;
  private static final int SQRT_HALF_BITS = Float.floatToRawIntBits(0.70710677f);
  private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

  private FloatVectorPolynomials() {}

  /**
   * y ← exp(-|factor·x|). The power of two is raised and taken back, so that a subnormal result is
   * rounded once.
   */
  static void expOfNegative(float factor, float[] xs, int xAt, float[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i).mul(factor).abs().neg();
      x = x.blend(EXP_LOWEST, x.compare(VectorOperators.LT, EXP_LOWEST));
      FloatVector shifted =
          x.fma(FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUND));
      IntVector power = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
      FloatVector n = FloatVector.broadcast(SPECIES, ROUND).sub(shifted);
      FloatVector r =
          n.fma(
              FloatVector.broadcast(SPECIES, LN2_LOW),
              n.fma(FloatVector.broadcast(SPECIES, LN2_HIGH), x));
      FloatVector p = FloatVector.broadcast(SPECIES, 0.0013950908f);
      p = p.fma(r, FloatVector.broadcast(SPECIES, 0.008369073f));
      p = p.fma(r, FloatVector.broadcast(SPECIES, 0.0416662f));
      p = p.fma(r, FloatVector.broadcast(SPECIES, 0.16666517f));
      p = p.fma(r, FloatVector.broadcast(SPECIES, 0.5f));
      FloatVector scale = power.add((BIAS + RAISE) << 23).reinterpretAsFloats();
      r.mul(r).fma(p, r).add(1f).mul(scale).mul(0x1p-64f).intoArray(ys, yAt + i);
    }
    FloatPolynomials.expOfNegative(factor, xs, xAt + bound, ys, yAt + bound, count - bound);
  }

  /** y ← exp(-|x|) - 1. */
  static void expm1OfNegative(float[] xs, int xAt, float[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i).abs().neg();
      x = x.blend(EXPM1_LOWEST, x.compare(VectorOperators.LT, EXPM1_LOWEST));
      FloatVector shifted =
          x.fma(FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUND));
      IntVector power = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
      FloatVector n = FloatVector.broadcast(SPECIES, ROUND).sub(shifted);
      FloatVector r =
          n.fma(
              FloatVector.broadcast(SPECIES, LN2_LOW),
              n.fma(FloatVector.broadcast(SPECIES, LN2_HIGH), x));
      FloatVector p = FloatVector.broadcast(SPECIES, 0.0013950908f);
      p = p.fma(r, FloatVector.broadcast(SPECIES, 0.008369073f));
      p = p.fma(r, FloatVector.broadcast(SPECIES, 0.0416662f));
      p = p.fma(r, FloatVector.broadcast(SPECIES, 0.16666517f));
      p = p.fma(r, FloatVector.broadcast(SPECIES, 0.5f));
      FloatVector scale = power.add(BIAS << 23).reinterpretAsFloats();
      scale.fma(r.mul(r).fma(p, r), scale.sub(1f)).intoArray(ys, yAt + i);
    }
    FloatPolynomials.expm1OfNegative(xs, xAt + bound, ys, yAt + bound, count - bound);
  }

  /** y ← log(1 + e) for 0 ≤ e ≤ 1. */
  static void log1p(float[] es, int eAt, float[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector e = FloatVector.fromArray(SPECIES, es, eAt + i);
      FloatVector s = e.div(e.add(2f));
      FloatVector z = s.mul(s);
      FloatVector p = FloatVector.broadcast(SPECIES, 0.28029832f);
      p = p.fma(z, FloatVector.broadcast(SPECIES, 0.27998143f));
      p = p.fma(z, FloatVector.broadcast(SPECIES, 0.40021753f));
      p = p.fma(z, FloatVector.broadcast(SPECIES, 0.6666641f));
      s.mul(z).fma(p, s.add(s)).intoArray(ys, yAt + i);
    }
    FloatPolynomials.log1p(es, eAt + bound, ys, yAt + bound, count - bound);
  }

  /** x ← factor·log x; the logarithm is -Inf at 0, NaN below. */
  static void log(float factor, float[] xs, int xAt, int count) {
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i);
      VectorMask<Float> small = x.compare(VectorOperators.LT, Float.MIN_NORMAL);
      IntVector bits = x.blend(x.mul(0x1p24f), small).reinterpretAsInts();
      IntVector k = bits.sub(SQRT_HALF_BITS).lanewise(VectorOperators.ASHR, 23);
      FloatVector f = bits.sub(k.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats().sub(1f);
      FloatVector n = k.add(ROUND_BITS).reinterpretAsFloats().sub(ROUND);
      n = n.blend(n.sub(24f), small);
      FloatVector s = f.div(f.add(2f));
      FloatVector z = s.mul(s);
      FloatVector p = FloatVector.broadcast(SPECIES, 0.29874533f);
      p = p.fma(z, FloatVector.broadcast(SPECIES, 0.39977446f));
      p = p.fma(z, FloatVector.broadcast(SPECIES, 0.66666776f));
      FloatVector log = s.mul(z).fma(p, s.add(s));
      log =
          n.fma(
              FloatVector.broadcast(SPECIES, LN2_HIGH),
              n.fma(FloatVector.broadcast(SPECIES, LN2_LOW), log));
      log = log.blend(x, x.compare(VectorOperators.EQ, Float.POSITIVE_INFINITY));
      log = log.blend(Float.NEGATIVE_INFINITY, x.compare(VectorOperators.EQ, 0f));
      FloatVector.broadcast(SPECIES, Float.NaN)
          .blend(log, x.compare(VectorOperators.GE, 0f))
          .mul(factor)
          .intoArray(xs, xAt + i);
    }
    FloatPolynomials.log(factor, xs, xAt + bound, count - bound);
  }

  /**
   * Over {@code bound} elements, a multiple of the lanes: overwrites radius r and angle t, in
   * turns, with r·cos(2πt) and r·sin(2πt), |t| ≤ ½.
   */
  static void polar(float[] values, int radiusAt, int angleAt, int bound) {
    for (int i = 0; i < bound; i += LANES) {
      FloatVector t = FloatVector.fromArray(SPECIES, values, angleAt + i);
      FloatVector n =
          t.fma(FloatVector.broadcast(SPECIES, 4f), FloatVector.broadcast(SPECIES, ROUND))
              .sub(ROUND);
      t = n.fma(FloatVector.broadcast(SPECIES, -0.25f), t);
      FloatVector z = t.mul(t);
      FloatVector p = FloatVector.broadcast(SPECIES, -75.45366f);
      p = p.fma(z, FloatVector.broadcast(SPECIES, 81.59394f));
      p = p.fma(z, FloatVector.broadcast(SPECIES, -41.341675f));
      FloatVector sine = t.mul(z).fma(p, t.mul(6.2831855f));
      FloatVector c = FloatVector.broadcast(SPECIES, 59.246017f);
      c = c.fma(z, FloatVector.broadcast(SPECIES, -85.44374f));
      c = c.fma(z, FloatVector.broadcast(SPECIES, 64.93932f));
      c = c.fma(z, FloatVector.broadcast(SPECIES, -19.739208f));
      FloatVector cosine = z.fma(c, FloatVector.broadcast(SPECIES, 1f));
      FloatVector even = FloatVector.broadcast(SPECIES, 1f).sub(n.abs());
      VectorMask<Float> odd = n.abs().compare(VectorOperators.EQ, 1f);
      FloatVector radius = FloatVector.fromArray(SPECIES, values, radiusAt + i);
      radius.mul(even.mul(cosine).blend(n.neg().mul(sine), odd)).intoArray(values, radiusAt + i);
      radius.mul(even.mul(sine).blend(n.mul(cosine), odd)).intoArray(values, angleAt + i);
    }
  }
}
