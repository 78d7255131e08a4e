package org.ebflow.linalg.reference;

/**
 * The tail Φ(-x) of the standard normal distribution in float32, with full relative accuracy.
 *
 * <p>Source: rational approximations of Cody 1969, "Rational Chebyshev approximations for the error
 * function".
 */
public final class FloatNormalTail {
  /** Below it Φ is approximated around 0. */
  private static final float CENTRE = 0.66291f;

  /** √32: above it by its asymptotic series. */
  @SuppressWarnings("FloatingPointLiteralPrecision") // digits for the float64 twin
  private static final float FAR = 5.656854249492380195f;

  /** 1/√(2π). */
  @SuppressWarnings("FloatingPointLiteralPrecision") // digits for the float64 twin
  private static final float DENSITY_AT_ZERO = 0.39894228040143267794f;

  private FloatNormalTail() {}

  /** Φ(-x) for x ≥ 0; NaN propagates. */
  public static float of(float x) {
    if (x <= CENTRE) {
      return 0.5f - central(x);
    }
    float rational = x <= FAR ? middle(x) : far(x);
    return rational * FloatPolynomials.exp(-0.5f * x * x);
  }

  /** Φ(x) - ½. */
  @SuppressWarnings("FloatingPointLiteralPrecision") // digits for the float64 twin
  private static float central(float x) {
    float s = x * x;
    float p = 0.065682337918207449113f;
    p = Math.fma(p, s, 2.2352520354606839287f);
    p = Math.fma(p, s, 161.02823106855587881f);
    p = Math.fma(p, s, 1067.6894854603709582f);
    p = Math.fma(p, s, 18154.981253343561249f);
    float q = s + 47.20258190468824187f;
    q = Math.fma(q, s, 976.09855173777669322f);
    q = Math.fma(q, s, 10260.932208618978205f);
    q = Math.fma(q, s, 45507.789335026729956f);
    return x * p / q;
  }

  @SuppressWarnings("FloatingPointLiteralPrecision") // digits for the float64 twin
  private static float middle(float x) {
    float p = 1.0765576773720192317e-8f;
    p = Math.fma(p, x, 0.39894151208813466764f);
    p = Math.fma(p, x, 8.8831497943883759412f);
    p = Math.fma(p, x, 93.506656132177855979f);
    p = Math.fma(p, x, 597.27027639480026226f);
    p = Math.fma(p, x, 2494.5375852903726711f);
    p = Math.fma(p, x, 6848.1904505362823326f);
    p = Math.fma(p, x, 11602.651437647350124f);
    p = Math.fma(p, x, 9842.7148383839780218f);
    float q = x + 22.266688044328115691f;
    q = Math.fma(q, x, 235.38790178262499861f);
    q = Math.fma(q, x, 1519.377599407554805f);
    q = Math.fma(q, x, 6485.558298266760755f);
    q = Math.fma(q, x, 18615.571640885098091f);
    q = Math.fma(q, x, 34900.952721145977266f);
    q = Math.fma(q, x, 38912.003286093271411f);
    q = Math.fma(q, x, 19685.429676859990727f);
    return p / q;
  }

  @SuppressWarnings("FloatingPointLiteralPrecision") // digits for the float64 twin
  private static float far(float x) {
    float s = 1f / (x * x);
    float p = 0.02307344176494017303f;
    p = Math.fma(p, s, 0.21589853405795699f);
    p = Math.fma(p, s, 0.1274011611602473639f);
    p = Math.fma(p, s, 0.022235277870649807f);
    p = Math.fma(p, s, 0.001421619193227893466f);
    p = Math.fma(p, s, 2.9112874951168792e-5f);
    float q = s + 1.28426009614491121f;
    q = Math.fma(q, s, 0.468238212480865118f);
    q = Math.fma(q, s, 0.0659881378689285515f);
    q = Math.fma(q, s, 0.00378239633202758244f);
    q = Math.fma(q, s, 7.29751555083966205e-5f);
    return (DENSITY_AT_ZERO - s * p / q) / x;
  }
}
