package org.ebflow.linalg.reference;

/**
 * Elementary functions of one float by range reduction and near-minimax polynomials (Remez,
 * relative error): only + - × ÷ fma, compares and bit operations, so the bits are the same
 * interpreted, compiled and in the vector twin.
 *
 * <p>Error at most 4 ulp. NaN propagates.
 */
public final class FloatPolynomials {
  private static final float LOG2_E = 1.442695f;
  private static final float LN2_HIGH = 0.6931472f;
  private static final float LN2_LOW = -1.9046542e-9f;

  /** Adding it leaves the nearest integer in the low bits of the fraction. */
  static final float ROUND = 0x1.8p23f;

  private static final float EXP_LOWEST = -104f;
  private static final float EXP_HIGHEST = 89f;
  private static final float EXPM1_LOWEST = -20f;
  private static final float SQRT_HALF = 0.70710677f;

  private FloatPolynomials() {}

  /** eˣ; subnormal results are rounded once. */
  public static float exp(float x) {
    float bounded = x < EXP_LOWEST ? EXP_LOWEST : x;
    bounded = bounded > EXP_HIGHEST ? EXP_HIGHEST : bounded;
    float shifted = Math.fma(bounded, LOG2_E, ROUND);
    float r = reduce(bounded, shifted);
    int n = Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(ROUND);
    int half = n >> 1;
    return (1f + expm1Reduced(r)) * powerOfTwo(half) * powerOfTwo(n - half);
  }

  /** eˣ - 1 for x ≤ 0. */
  public static float expm1OfNegative(float x) {
    float bounded = x < EXPM1_LOWEST ? EXPM1_LOWEST : x;
    float shifted = Math.fma(bounded, LOG2_E, ROUND);
    float r = reduce(bounded, shifted);
    float scale = powerOfTwo(Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(ROUND));
    return Math.fma(scale, expm1Reduced(r), scale - 1f);
  }

  private static float reduce(float x, float shifted) {
    float n = shifted - ROUND;
    return Math.fma(-n, LN2_LOW, Math.fma(-n, LN2_HIGH, x));
  }

  private static float powerOfTwo(int n) {
    return Float.intBitsToFloat((n + 127) << 23);
  }

  /** eʳ - 1 for |r| ≤ ½ log 2. */
  private static float expm1Reduced(float r) {
    float p = 0.0013950908f;
    p = Math.fma(p, r, 0.008369073f);
    p = Math.fma(p, r, 0.0416662f);
    p = Math.fma(p, r, 0.16666517f);
    p = Math.fma(p, r, 0.5f);
    return Math.fma(r * r, p, r);
  }

  /** log(1 + e) for 0 ≤ e ≤ 1. */
  public static float log1p(float e) {
    float s = e / (2f + e); // log(1 + e) = 2 artanh s
    float z = s * s;
    float p = 0.28029832f;
    p = Math.fma(p, z, 0.27998143f);
    p = Math.fma(p, z, 0.40021753f);
    p = Math.fma(p, z, 0.6666641f);
    return Math.fma(s * z, p, s + s);
  }

  /** log x; -Inf at 0, NaN below. */
  public static float log(float x) {
    boolean small = x < Float.MIN_NORMAL;
    int bits = Float.floatToRawIntBits(small ? x * 0x1p24f : x);
    int k = (bits - Float.floatToRawIntBits(SQRT_HALF)) >> 23;
    float f = Float.intBitsToFloat(bits - (k << 23)) - 1f;
    float n = (float) k - (small ? 24f : 0f);
    float s = f / (2f + f);
    float z = s * s;
    float p = 0.29874533f;
    p = Math.fma(p, z, 0.39977446f);
    p = Math.fma(p, z, 0.66666776f);
    float result = Math.fma(n, LN2_HIGH, Math.fma(n, LN2_LOW, Math.fma(s * z, p, s + s)));
    result = x == Float.POSITIVE_INFINITY ? x : result;
    result = x == 0f ? Float.NEGATIVE_INFINITY : result;
    return x >= 0f ? result : Float.NaN;
  }

  /** sin(2πt) for |t| ≤ 1/8. */
  public static float sinOfTurns(float t) {
    float z = t * t;
    float p = -75.45366f;
    p = Math.fma(p, z, 81.59394f);
    p = Math.fma(p, z, -41.341675f);
    return Math.fma(t * z, p, t * 6.2831855f);
  }

  /** cos(2πt) for |t| ≤ 1/8. */
  public static float cosOfTurns(float t) {
    float z = t * t;
    float p = 59.246017f;
    p = Math.fma(p, z, -85.44374f);
    p = Math.fma(p, z, 64.93932f);
    p = Math.fma(p, z, -19.739208f);
    return Math.fma(z, p, 1f);
  }

  /** y ← exp(-|factor·x|) over {@code n} elements. */
  public static void expOfNegative(float factor, float[] xs, int xAt, float[] ys, int yAt, int n) {
    for (int i = 0; i < n; i++) {
      ys[yAt + i] = exp(-Math.abs(factor * xs[xAt + i]));
    }
  }

  /** y ← exp(-|x|) - 1 over {@code n} elements. */
  public static void expm1OfNegative(float[] xs, int xAt, float[] ys, int yAt, int n) {
    for (int i = 0; i < n; i++) {
      ys[yAt + i] = expm1OfNegative(-Math.abs(xs[xAt + i]));
    }
  }

  /** y ← log(1 + e) for 0 ≤ e ≤ 1 over {@code n} elements. */
  public static void log1p(float[] es, int eAt, float[] ys, int yAt, int n) {
    for (int i = 0; i < n; i++) {
      ys[yAt + i] = log1p(es[eAt + i]);
    }
  }

  /** x ← factor·log x over {@code n} elements. */
  public static void log(float factor, float[] xs, int xAt, int n) {
    for (int i = 0; i < n; i++) {
      xs[xAt + i] = log(xs[xAt + i]) * factor;
    }
  }
}
