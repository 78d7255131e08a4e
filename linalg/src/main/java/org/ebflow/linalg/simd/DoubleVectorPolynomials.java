package org.ebflow.linalg.simd;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.ebflow.linalg.reference.DoublePolynomials;

/**
 * The elementary functions of {@link DoublePolynomials} over {@code count} elements, with the same
 * bits.
 *
 * <p>Each is one flat loop over vector operations, without helper methods: the compiler stops
 * inlining those in the middle of a long expression, or when they happen to be compiled first, and
 * every vector is then boxed. What needs several functions passes several times over a row in the
 * first cache.
 */
final class DoubleVectorPolynomials {
  static final VectorSpecies<Double> SPECIES = DoubleVector.SPECIES_PREFERRED;
  static final double ROUND = 0x1.8p52;

  private static final int LANES = SPECIES.length();
  private static final double LOG2_E = 1.4426950408889634;
  private static final double LN2_HIGH = 0.6931471805599453;
  private static final double LN2_LOW = 2.3190468138462996e-17;

  private static final double EXP_LOWEST = -746.0;
  private static final double EXPM1_LOWEST = -40.0;
  private static final long BIAS = 1023L;
  private static final long RAISE = 128L;
  private static final long SQRT_HALF_BITS = Double.doubleToRawLongBits(0.7071067811865476);
  private static final long ROUND_BITS = Double.doubleToRawLongBits(ROUND);

  private DoubleVectorPolynomials() {}

  /**
   * y ← exp(-|factor·x|). The power of two is raised and taken back, so that a subnormal result is
   * rounded once.
   */
  static void expOfNegative(double factor, double[] xs, int xAt, double[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      DoubleVector x = DoubleVector.fromArray(SPECIES, xs, xAt + i).mul(factor).abs().neg();
      x = x.blend(EXP_LOWEST, x.compare(VectorOperators.LT, EXP_LOWEST));
      DoubleVector shifted =
          x.fma(DoubleVector.broadcast(SPECIES, LOG2_E), DoubleVector.broadcast(SPECIES, ROUND));
      LongVector power = shifted.reinterpretAsLongs().lanewise(VectorOperators.LSHL, 52);
      DoubleVector n = DoubleVector.broadcast(SPECIES, ROUND).sub(shifted);
      DoubleVector r =
          n.fma(
              DoubleVector.broadcast(SPECIES, LN2_LOW),
              n.fma(DoubleVector.broadcast(SPECIES, LN2_HIGH), x));
      DoubleVector p = DoubleVector.broadcast(SPECIES, 2.511823220505174e-08);
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 2.763166166226768e-07));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 2.755721512904445e-06));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 2.480148893665193e-05));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.00019841269918693144));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.001388888894791776));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.008333333333306605));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.04166666666651229));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.166666666666667));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.5000000000000013));
      DoubleVector scale = power.add((BIAS + RAISE) << 52).reinterpretAsDoubles();
      r.mul(r).fma(p, r).add(1.0).mul(scale).mul(0x1p-128).intoArray(ys, yAt + i);
    }
    DoublePolynomials.expOfNegative(factor, xs, xAt + bound, ys, yAt + bound, count - bound);
  }

  /** y ← exp(-|x|) - 1. */
  static void expm1OfNegative(double[] xs, int xAt, double[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      DoubleVector x = DoubleVector.fromArray(SPECIES, xs, xAt + i).abs().neg();
      x = x.blend(EXPM1_LOWEST, x.compare(VectorOperators.LT, EXPM1_LOWEST));
      DoubleVector shifted =
          x.fma(DoubleVector.broadcast(SPECIES, LOG2_E), DoubleVector.broadcast(SPECIES, ROUND));
      LongVector power = shifted.reinterpretAsLongs().lanewise(VectorOperators.LSHL, 52);
      DoubleVector n = DoubleVector.broadcast(SPECIES, ROUND).sub(shifted);
      DoubleVector r =
          n.fma(
              DoubleVector.broadcast(SPECIES, LN2_LOW),
              n.fma(DoubleVector.broadcast(SPECIES, LN2_HIGH), x));
      DoubleVector p = DoubleVector.broadcast(SPECIES, 2.511823220505174e-08);
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 2.763166166226768e-07));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 2.755721512904445e-06));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 2.480148893665193e-05));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.00019841269918693144));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.001388888894791776));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.008333333333306605));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.04166666666651229));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.166666666666667));
      p = p.fma(r, DoubleVector.broadcast(SPECIES, 0.5000000000000013));
      DoubleVector scale = power.add(BIAS << 52).reinterpretAsDoubles();
      scale.fma(r.mul(r).fma(p, r), scale.sub(1.0)).intoArray(ys, yAt + i);
    }
    DoublePolynomials.expm1OfNegative(xs, xAt + bound, ys, yAt + bound, count - bound);
  }

  /** y ← log(1 + e) for 0 ≤ e ≤ 1. */
  static void log1p(double[] es, int eAt, double[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      DoubleVector e = DoubleVector.fromArray(SPECIES, es, eAt + i);
      DoubleVector s = e.div(e.add(2.0));
      DoubleVector z = s.mul(s);
      DoubleVector p = DoubleVector.broadcast(SPECIES, 0.1702673113312597);
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.08335823613408751));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.12107035567746943));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.13300857607431082));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.15386568424190067));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.1818174354300191));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.2222222398002972));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.28571428547698036));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.40000000000158387));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.666666666666663));
      s.mul(z).fma(p, s.add(s)).intoArray(ys, yAt + i);
    }
    DoublePolynomials.log1p(es, eAt + bound, ys, yAt + bound, count - bound);
  }

  /** x ← factor·log x; the logarithm is -Inf at 0, NaN below. */
  static void log(double factor, double[] xs, int xAt, int count) {
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      DoubleVector x = DoubleVector.fromArray(SPECIES, xs, xAt + i);
      VectorMask<Double> small = x.compare(VectorOperators.LT, Double.MIN_NORMAL);
      LongVector bits = x.blend(x.mul(0x1p54), small).reinterpretAsLongs();
      LongVector k = bits.sub(SQRT_HALF_BITS).lanewise(VectorOperators.ASHR, 52);
      DoubleVector f =
          bits.sub(k.lanewise(VectorOperators.LSHL, 52)).reinterpretAsDoubles().sub(1.0);
      DoubleVector n = k.add(ROUND_BITS).reinterpretAsDoubles().sub(ROUND);
      n = n.blend(n.sub(54.0), small);
      DoubleVector s = f.div(f.add(2.0));
      DoubleVector z = s.mul(s);
      DoubleVector p = DoubleVector.broadcast(SPECIES, 0.1479919399826642);
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.15313744740021643));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.18183575518820078));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.22222198373397953));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.2857142874417066));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.39999999999407476));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 0.6666666666666735));
      DoubleVector log = s.mul(z).fma(p, s.add(s));
      log =
          n.fma(
              DoubleVector.broadcast(SPECIES, LN2_HIGH),
              n.fma(DoubleVector.broadcast(SPECIES, LN2_LOW), log));
      log = log.blend(x, x.compare(VectorOperators.EQ, Double.POSITIVE_INFINITY));
      log = log.blend(Double.NEGATIVE_INFINITY, x.compare(VectorOperators.EQ, 0.0));
      DoubleVector.broadcast(SPECIES, Double.NaN)
          .blend(log, x.compare(VectorOperators.GE, 0.0))
          .mul(factor)
          .intoArray(xs, xAt + i);
    }
    DoublePolynomials.log(factor, xs, xAt + bound, count - bound);
  }

  /**
   * Over {@code bound} elements, a multiple of the lanes: overwrites radius r and angle t, in
   * turns, with r·cos(2πt) and r·sin(2πt), |t| ≤ ½.
   */
  static void polar(double[] values, int radiusAt, int angleAt, int bound) {
    for (int i = 0; i < bound; i += LANES) {
      DoubleVector t = DoubleVector.fromArray(SPECIES, values, angleAt + i);
      DoubleVector n =
          t.fma(DoubleVector.broadcast(SPECIES, 4.0), DoubleVector.broadcast(SPECIES, ROUND))
              .sub(ROUND);
      t = n.fma(DoubleVector.broadcast(SPECIES, -0.25), t);
      DoubleVector z = t.mul(t);
      DoubleVector p = DoubleVector.broadcast(SPECIES, -0.711700686406434);
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 3.8197919016226267));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, -15.09464049191465));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 42.05869393002969));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, -76.70585975300469));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, 81.60524927607496));
      p = p.fma(z, DoubleVector.broadcast(SPECIES, -41.34170224039976));
      DoubleVector sine = t.mul(z).fma(p, t.mul(6.283185307179586));
      DoubleVector c = DoubleVector.broadcast(SPECIES, -1.6970207899192638);
      c = c.fma(z, DoubleVector.broadcast(SPECIES, 7.903101679074605));
      c = c.fma(z, DoubleVector.broadcast(SPECIES, -26.426251141372422));
      c = c.fma(z, DoubleVector.broadcast(SPECIES, 60.24464133162255));
      c = c.fma(z, DoubleVector.broadcast(SPECIES, -85.45681720654012));
      c = c.fma(z, DoubleVector.broadcast(SPECIES, 64.93939402266801));
      c = c.fma(z, DoubleVector.broadcast(SPECIES, -19.739208802178716));
      DoubleVector cosine = z.fma(c, DoubleVector.broadcast(SPECIES, 1.0));
      DoubleVector even = DoubleVector.broadcast(SPECIES, 1.0).sub(n.abs());
      VectorMask<Double> odd = n.abs().compare(VectorOperators.EQ, 1.0);
      DoubleVector radius = DoubleVector.fromArray(SPECIES, values, radiusAt + i);
      radius.mul(even.mul(cosine).blend(n.neg().mul(sine), odd)).intoArray(values, radiusAt + i);
      radius.mul(even.mul(sine).blend(n.mul(cosine), odd)).intoArray(values, angleAt + i);
    }
  }
}
