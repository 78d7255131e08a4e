package org.ebflow.linalg.reference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.DoubleUnaryOperator;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class PolynomialsTest {
  private static final double MAX_ULPS = 4;
  private static final int DRAWS = 40_000;

  /**
   * Largest error in units of the exact result's float32 ulp (the reference is float64, whose own
   * error is negligible).
   */
  private static double floatUlps(
      FloatFunction f, DoubleUnaryOperator exact, double from, double to) {
    RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    double worst = 0;
    for (int i = 0; i <= DRAWS; i++) {
      float x = (float) (i == DRAWS ? to : random.nextDouble(from, to));
      double expected = exact.applyAsDouble(x);
      worst = Math.max(worst, Math.abs(f.apply(x) - expected) / Math.ulp((float) expected));
    }
    return worst;
  }

  /** As {@link #floatUlps}; StrictMath's own error of up to 1 ulp is added to the bound. */
  private static double doubleUlps(
      DoubleUnaryOperator f, DoubleUnaryOperator exact, double from, double to) {
    RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    double worst = 0;
    for (int i = 0; i <= DRAWS; i++) {
      double x = i == DRAWS ? to : random.nextDouble(from, to);
      double expected = exact.applyAsDouble(x);
      worst = Math.max(worst, Math.abs(f.applyAsDouble(x) - expected) / Math.ulp(expected));
    }
    return worst - 1;
  }

  private interface FloatFunction {
    float apply(float x);
  }

  @Test
  void expIsAccurate() {
    assertThat(floatUlps(FloatPolynomials::exp, StrictMath::exp, -103, 88.7)).isLessThan(MAX_ULPS);
    assertThat(floatUlps(FloatPolynomials::exp, StrictMath::exp, -1, 1)).isLessThan(MAX_ULPS);
    assertThat(doubleUlps(DoublePolynomials::exp, StrictMath::exp, -745, 709.7))
        .isLessThan(MAX_ULPS);
    assertThat(doubleUlps(DoublePolynomials::exp, StrictMath::exp, -1, 1)).isLessThan(MAX_ULPS);
  }

  @Test
  void expHasItsLimits() {
    assertThat(FloatPolynomials.exp(0f)).isEqualTo(1f);
    assertThat(FloatPolynomials.exp(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(FloatPolynomials.exp(Float.POSITIVE_INFINITY)).isInfinite();
    assertThat(FloatPolynomials.exp(Float.NaN)).isNaN();
    assertThat(FloatPolynomials.exp(-100f)).isEqualTo((float) StrictMath.exp(-100));
    assertThat(DoublePolynomials.exp(Double.NEGATIVE_INFINITY)).isZero();
    assertThat(DoublePolynomials.exp(Double.POSITIVE_INFINITY)).isInfinite();
    assertThat(DoublePolynomials.exp(Double.NaN)).isNaN();
  }

  @Test
  void expm1OfNegativeIsAccurate() {
    for (double from : new double[] {-30, -1, -1e-3, -1e-30}) {
      assertThat(floatUlps(FloatPolynomials::expm1OfNegative, StrictMath::expm1, from, 0))
          .isLessThan(MAX_ULPS);
      assertThat(doubleUlps(DoublePolynomials::expm1OfNegative, StrictMath::expm1, from, 0))
          .isLessThan(MAX_ULPS);
    }
    assertThat(FloatPolynomials.expm1OfNegative(Float.NEGATIVE_INFINITY)).isEqualTo(-1f);
    assertThat(FloatPolynomials.expm1OfNegative(Float.NaN)).isNaN();
  }

  @Test
  void log1pIsAccurate() {
    for (double to : new double[] {1, 1e-2, 1e-10, 1e-37}) {
      assertThat(floatUlps(FloatPolynomials::log1p, StrictMath::log1p, 0, to)).isLessThan(MAX_ULPS);
      assertThat(doubleUlps(DoublePolynomials::log1p, StrictMath::log1p, 0, to))
          .isLessThan(MAX_ULPS);
    }
  }

  @Test
  void logIsAccurate() {
    for (double to : new double[] {1e-44, 1e-38, 1e-3, 0.6, 2, 1e38}) {
      assertThat(floatUlps(FloatPolynomials::log, StrictMath::log, to / 1e1, to))
          .isLessThan(MAX_ULPS);
      assertThat(doubleUlps(DoublePolynomials::log, StrictMath::log, to / 1e1, to))
          .isLessThan(MAX_ULPS);
    }
    assertThat(floatUlps(FloatPolynomials::log, StrictMath::log, 0.999, 1.001))
        .isLessThan(MAX_ULPS);
    assertThat(doubleUlps(DoublePolynomials::log, StrictMath::log, 0.999, 1.001))
        .isLessThan(MAX_ULPS);
    assertThat(doubleUlps(DoublePolynomials::log, StrictMath::log, 1e-321, 1e-310))
        .isLessThan(MAX_ULPS);
  }

  @Test
  void logHasItsLimits() {
    assertThat(FloatPolynomials.log(1f)).isZero();
    assertThat(FloatPolynomials.log(0f)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(FloatPolynomials.log(-1f)).isNaN();
    assertThat(FloatPolynomials.log(Float.NaN)).isNaN();
    assertThat(FloatPolynomials.log(Float.POSITIVE_INFINITY)).isInfinite();
    assertThat(DoublePolynomials.log(0)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(DoublePolynomials.log(-1)).isNaN();
    assertThat(DoublePolynomials.log(Double.POSITIVE_INFINITY)).isInfinite();
  }

  @Test
  void sineAndCosineAreAccurate() {
    DoubleUnaryOperator sin = t -> StrictMath.sin(2 * Math.PI * t);
    DoubleUnaryOperator cos = t -> StrictMath.cos(2 * Math.PI * t);
    assertThat(floatUlps(FloatPolynomials::sinOfTurns, sin, -0.125, 0.125)).isLessThan(MAX_ULPS);
    assertThat(floatUlps(FloatPolynomials::cosOfTurns, cos, -0.125, 0.125)).isLessThan(MAX_ULPS);
    assertThat(doubleUlps(DoublePolynomials::sinOfTurns, sin, -0.125, 0.125)).isLessThan(MAX_ULPS);
    assertThat(doubleUlps(DoublePolynomials::cosOfTurns, cos, -0.125, 0.125)).isLessThan(MAX_ULPS);
  }
}
