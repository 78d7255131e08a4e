package org.ebflow.training.preprocessing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RealMarginTest {
  private static final int HELD_OUT = 20_000;
  private static final double LOG_ROOT_OF_TWO_PI = 0.5 * Math.log(2 * Math.PI);

  /** A distribution: how to draw from it, and its log-density. */
  private record Truth(ToDoubleFunction<Random> draw, DoubleUnaryOperator logDensity) {
    double[] sample(int count, long seed) {
      Random random = new Random(seed);
      double[] x = new double[count];
      Arrays.setAll(x, i -> draw.applyAsDouble(random));
      return x;
    }

    double mean(double[] x) {
      return Arrays.stream(x).map(logDensity).average().orElseThrow();
    }
  }

  private static double normal(double x, double mean, double deviation) {
    double z = (x - mean) / deviation;
    return -0.5 * z * z - LOG_ROOT_OF_TWO_PI - Math.log(deviation);
  }

  private static final Truth GAUSSIAN =
      new Truth(random -> 3 + 2 * random.nextGaussian(), x -> normal(x, 3, 2));

  private static final Truth LOGNORMAL =
      new Truth(
          random -> Math.exp(random.nextGaussian()), x -> normal(Math.log(x), 0, 1) - Math.log(x));

  private static final Truth BIMODAL =
      new Truth(
          random -> (random.nextBoolean() ? 5 : -5) + random.nextGaussian(),
          x -> Math.log((Math.exp(normal(x, 5, 1)) + Math.exp(normal(x, -5, 1))) / 2));

  /** Student's t with three degrees of freedom. */
  private static final Truth HEAVY_TAILS =
      new Truth(
          random -> {
            double squares = 0;
            for (int i = 0; i < 3; i++) {
              double z = random.nextGaussian();
              squares += z * z / 3;
            }
            return random.nextGaussian() / Math.sqrt(squares);
          },
          x -> Math.log(2 / (Math.PI * Math.sqrt(3))) - 2 * Math.log1p(x * x / 3));

  private static final Truth UNIFORM = new Truth(Random::nextDouble, x -> 0);

  /** Zero in four of five rows, spread over [0, 0.01), and a Gaussian far off. */
  private static final Truth ATOM =
      new Truth(
          random ->
              random.nextDouble() < .8 ? random.nextDouble() / 100 : 4 + random.nextGaussian(),
          x -> x < .01 && x >= 0 ? Math.log(80) : Math.log(.2) + normal(x, 4, 1));

  static Stream<Arguments> distributions() {
    return Stream.of(
        Arguments.of("Gaussian", GAUSSIAN, 500, .05),
        Arguments.of("Gaussian", GAUSSIAN, 10_000, .005),
        Arguments.of("lognormal", LOGNORMAL, 500, .05),
        Arguments.of("lognormal", LOGNORMAL, 10_000, .01),
        Arguments.of("bimodal", BIMODAL, 500, .1),
        Arguments.of("bimodal", BIMODAL, 10_000, .02),
        Arguments.of("t(3)", HEAVY_TAILS, 500, .05),
        Arguments.of("t(3)", HEAVY_TAILS, 10_000, .01),
        Arguments.of("uniform", UNIFORM, 500, .1),
        Arguments.of("uniform", UNIFORM, 10_000, .02),
        Arguments.of("atom", ATOM, 500, .25),
        Arguments.of("atom", ATOM, 10_000, .05));
  }

  private static RealMargin fit(double... rows) {
    return RealMargin.fit(rows, false, 1, "c");
  }

  private static double mean(RealMargin margin, double[] x) {
    return Arrays.stream(margin.logDensities(x)).average().orElseThrow();
  }

  @ParameterizedTest(name = "{0} {2}")
  @MethodSource("distributions")
  void heldOutLikelihoodIsNearTheTruth(String name, Truth truth, int rows, double distance) {
    double[] heldOut = truth.sample(HELD_OUT, 2);
    RealMargin margin = fit(truth.sample(rows, 1));
    assertThat(mean(margin, heldOut)).isCloseTo(truth.mean(heldOut), within(distance));
  }

  @Test
  void densitiesIntegrateToOne() {
    RealMargin margin = fit(BIMODAL.sample(2_000, 3));
    double[] grid = new double[400_001];
    Arrays.setAll(grid, i -> -50 + i * 100.0 / (grid.length - 1));
    double sum =
        Arrays.stream(margin.logDensities(grid)).map(Math::exp).sum() * (grid[1] - grid[0]);
    assertThat(sum).isCloseTo(1, within(1e-6));
  }

  @Test
  void shiftAndScaleOfTheRowsMoveTheDensity() {
    double[] x = LOGNORMAL.sample(1_000, 4);
    double[] moved = Arrays.stream(x).map(v -> 1e6 + 1e-3 * v).toArray();
    assertThat(mean(fit(moved), moved)).isCloseTo(mean(fit(x), x) + Math.log(1e3), within(1e-5));
  }

  @Test
  void everyFiniteNumberHasAFiniteDensity() {
    RealMargin margin = fit(HEAVY_TAILS.sample(1_000, 5));
    double[] far = {-1e300, -1e6, 0, 1e6, 1e300, Double.MAX_VALUE, -Double.MAX_VALUE};
    assertThat(Arrays.stream(margin.logDensities(far)).boxed()).allMatch(Double::isFinite);
    double[] logDensities = margin.logDensities(new double[] {1e3, 1e4, 1e5, 1e6});
    for (int i = 1; i < logDensities.length; i++) {
      assertThat(logDensities[i]).isLessThan(logDensities[i - 1]);
    }
    assertThat(logDensities[3]).isLessThan(-50);
  }

  @Test
  void tiesAndFewRowsHaveADensity() {
    double[][] columns = {
      {1, 2},
      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
      {0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1},
      {1e15, 1e15 + 1, 1e15 + 2, 1e15, 1e15 + 1},
      {1, Math.nextUp(1.0), 1, 1, 1, 5, Math.nextUp(Math.nextUp(1.0)), 1, 1, 1, 1},
      {-3e-80, 2e-80, 1e-80, 7e-80}
    };
    for (double[] column : columns) {
      boolean integers = Arrays.stream(column).allMatch(x -> x == Math.rint(x));
      for (boolean whole : new boolean[] {false, integers}) {
        RealMargin margin = RealMargin.fit(column, whole, 1, "c");
        assertThat(Arrays.stream(margin.logDensities(column)).boxed()).allMatch(Double::isFinite);
        for (int k = 1; k < margin.knots(); k++) {
          assertThat(margin.places()[k]).isGreaterThan(margin.places()[k - 1]);
          assertThat(margin.values()[k]).isGreaterThan(margin.values()[k - 1]);
        }
        assertThat(Arrays.stream(margin.slopes()).boxed()).allMatch(slope -> slope > 0);
      }
    }
  }

  @Test
  void wholeNumbersAreSpreadOverTheirUnit() {
    Random random = new Random(6);
    double[] die = new double[6_000];
    Arrays.setAll(die, i -> 1 + random.nextInt(6));
    RealMargin margin = RealMargin.fit(die, true, 1, "c");
    double[] heldOut = new double[HELD_OUT];
    Arrays.setAll(heldOut, i -> 1 + 6 * random.nextDouble());
    assertThat(mean(margin, heldOut)).isCloseTo(-Math.log(6), within(.03));
  }

  @Test
  void aColumnWhoseSpreadOverflowsIsNamed() {
    assertThatThrownBy(
            () -> RealMargin.fit(new double[] {-1.7e308, 1.7e308, 3}, false, 1, "t: column 'a'"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("t: column 'a': expected numbers whose differences");
  }
}
