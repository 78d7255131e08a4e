package org.ebflow.linalg.reference;

/**
 * Elementary functions of one double by range reduction and near-minimax polynomials (Remez,
 * relative error): only + - × ÷ fma, compares and bit operations, so the bits are the same
 * interpreted, compiled and in the vector twin.
 *
 * <p>Error at most 4 ulp. NaN propagates.
 */
public final class DoublePolynomials {
  private static final double LOG2_E = 1.4426950408889634;
  private static final double LN2_HIGH = 0.6931471805599453;
  private static final double LN2_LOW = 2.3190468138462996e-17;

  /** Adding it leaves the nearest integer in the low bits of the fraction. */
  static final double ROUND = 0x1.8p52;

  private static final double EXP_LOWEST = -746.0;
  private static final double EXP_HIGHEST = 710.0;
  private static final double EXPM1_LOWEST = -40.0;
  private static final double SQRT_HALF = 0.7071067811865476;

  private DoublePolynomials() {}

  /** eˣ; subnormal results are rounded once. */
  public static double exp(double x) {
    double bounded = x < EXP_LOWEST ? EXP_LOWEST : x;
    bounded = bounded > EXP_HIGHEST ? EXP_HIGHEST : bounded;
    double shifted = Math.fma(bounded, LOG2_E, ROUND);
    double r = reduce(bounded, shifted);
    long n = Double.doubleToRawLongBits(shifted) - Double.doubleToRawLongBits(ROUND);
    long half = n >> 1;
    return (1.0 + expm1Reduced(r)) * powerOfTwo(half) * powerOfTwo(n - half);
  }

  /** eˣ - 1 for x ≤ 0. */
  public static double expm1OfNegative(double x) {
    double bounded = x < EXPM1_LOWEST ? EXPM1_LOWEST : x;
    double shifted = Math.fma(bounded, LOG2_E, ROUND);
    double r = reduce(bounded, shifted);
    double scale =
        powerOfTwo(Double.doubleToRawLongBits(shifted) - Double.doubleToRawLongBits(ROUND));
    return Math.fma(scale, expm1Reduced(r), scale - 1.0);
  }

  private static double reduce(double x, double shifted) {
    double n = shifted - ROUND;
    return Math.fma(-n, LN2_LOW, Math.fma(-n, LN2_HIGH, x));
  }

  private static double powerOfTwo(long n) {
    return Double.longBitsToDouble((n + 1023) << 52);
  }

  /** eʳ - 1 for |r| ≤ ½ log 2. */
  private static double expm1Reduced(double r) {
    double p = 2.511823220505174e-08;
    p = Math.fma(p, r, 2.763166166226768e-07);
    p = Math.fma(p, r, 2.755721512904445e-06);
    p = Math.fma(p, r, 2.480148893665193e-05);
    p = Math.fma(p, r, 0.00019841269918693144);
    p = Math.fma(p, r, 0.001388888894791776);
    p = Math.fma(p, r, 0.008333333333306605);
    p = Math.fma(p, r, 0.04166666666651229);
    p = Math.fma(p, r, 0.166666666666667);
    p = Math.fma(p, r, 0.5000000000000013);
    return Math.fma(r * r, p, r);
  }

  /** log(1 + e) for 0 ≤ e ≤ 1. */
  public static double log1p(double e) {
    double s = e / (2.0 + e); // log(1 + e) = 2 artanh s
    double z = s * s;
    double p = 0.1702673113312597;
    p = Math.fma(p, z, 0.08335823613408751);
    p = Math.fma(p, z, 0.12107035567746943);
    p = Math.fma(p, z, 0.13300857607431082);
    p = Math.fma(p, z, 0.15386568424190067);
    p = Math.fma(p, z, 0.1818174354300191);
    p = Math.fma(p, z, 0.2222222398002972);
    p = Math.fma(p, z, 0.28571428547698036);
    p = Math.fma(p, z, 0.40000000000158387);
    p = Math.fma(p, z, 0.666666666666663);
    return Math.fma(s * z, p, s + s);
  }

  /** log x; -Inf at 0, NaN below. */
  public static double log(double x) {
    boolean small = x < Double.MIN_NORMAL;
    long bits = Double.doubleToRawLongBits(small ? x * 0x1p54 : x);
    long k = (bits - Double.doubleToRawLongBits(SQRT_HALF)) >> 52;
    double f = Double.longBitsToDouble(bits - (k << 52)) - 1.0;
    double n = (double) k - (small ? 54.0 : 0.0);
    double s = f / (2.0 + f);
    double z = s * s;
    double p = 0.1479919399826642;
    p = Math.fma(p, z, 0.15313744740021643);
    p = Math.fma(p, z, 0.18183575518820078);
    p = Math.fma(p, z, 0.22222198373397953);
    p = Math.fma(p, z, 0.2857142874417066);
    p = Math.fma(p, z, 0.39999999999407476);
    p = Math.fma(p, z, 0.6666666666666735);
    double result = Math.fma(n, LN2_HIGH, Math.fma(n, LN2_LOW, Math.fma(s * z, p, s + s)));
    result = x == Double.POSITIVE_INFINITY ? x : result;
    result = x == 0.0 ? Double.NEGATIVE_INFINITY : result;
    return x >= 0.0 ? result : Double.NaN;
  }

  /** sin(2πt) for |t| ≤ 1/8. */
  public static double sinOfTurns(double t) {
    double z = t * t;
    double p = -0.711700686406434;
    p = Math.fma(p, z, 3.8197919016226267);
    p = Math.fma(p, z, -15.09464049191465);
    p = Math.fma(p, z, 42.05869393002969);
    p = Math.fma(p, z, -76.70585975300469);
    p = Math.fma(p, z, 81.60524927607496);
    p = Math.fma(p, z, -41.34170224039976);
    return Math.fma(t * z, p, t * 6.283185307179586);
  }

  /** cos(2πt) for |t| ≤ 1/8. */
  public static double cosOfTurns(double t) {
    double z = t * t;
    double p = -1.6970207899192638;
    p = Math.fma(p, z, 7.903101679074605);
    p = Math.fma(p, z, -26.426251141372422);
    p = Math.fma(p, z, 60.24464133162255);
    p = Math.fma(p, z, -85.45681720654012);
    p = Math.fma(p, z, 64.93939402266801);
    p = Math.fma(p, z, -19.739208802178716);
    return Math.fma(z, p, 1.0);
  }

  /** y ← exp(-|factor·x|) over {@code n} elements. */
  public static void expOfNegative(
      double factor, double[] xs, int xAt, double[] ys, int yAt, int n) {
    for (int i = 0; i < n; i++) {
      ys[yAt + i] = exp(-Math.abs(factor * xs[xAt + i]));
    }
  }

  /** y ← exp(-|x|) - 1 over {@code n} elements. */
  public static void expm1OfNegative(double[] xs, int xAt, double[] ys, int yAt, int n) {
    for (int i = 0; i < n; i++) {
      ys[yAt + i] = expm1OfNegative(-Math.abs(xs[xAt + i]));
    }
  }

  /** y ← log(1 + e) for 0 ≤ e ≤ 1 over {@code n} elements. */
  public static void log1p(double[] es, int eAt, double[] ys, int yAt, int n) {
    for (int i = 0; i < n; i++) {
      ys[yAt + i] = log1p(es[eAt + i]);
    }
  }

  /** x ← factor·log x over {@code n} elements. */
  public static void log(double factor, double[] xs, int xAt, int n) {
    for (int i = 0; i < n; i++) {
      xs[xAt + i] = log(xs[xAt + i]) * factor;
    }
  }
}
