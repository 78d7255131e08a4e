package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DistributionTest {
  private static final int POINTS = 20_000;

  static Stream<Distribution> all() {
    return Stream.concat(
        Arrays.stream(PlaneDistribution.values()),
        Stream.of(new GaussianMixture(), new Multimodal10()));
  }

  @ParameterizedTest
  @MethodSource("all")
  void samplesAreAFunctionOfTheSeed(Distribution distribution) {
    Dataset points = distribution.sample(20, 3);
    assertThat(points.dimension()).isEqualTo(distribution.dimension());
    assertThat(points.name()).isEqualTo(distribution.toString());
    assertThat(points.row(19))
        .containsExactly(distribution.sample(40, 3).row(19))
        .isNotEqualTo(distribution.sample(20, 4).row(19));
    assertThatIllegalArgumentException().isThrownBy(() -> distribution.sample(0, 3));
  }

  @Test
  void normalsHaveTheRightMoments() {
    PortableRandom draws = new PortableRandom(5);
    int n = 200_000;
    double[] moments = new double[5];
    for (int i = 0; i < n; i++) {
      double x = draws.normal();
      double power = 1;
      for (int k = 0; k < 5; k++) {
        moments[k] += power / n;
        power *= x;
      }
    }
    // five standard errors: the variances of x, x², x³, x⁴ are 1, 2, 15, 96
    assertThat(moments[1]).isEqualTo(0, within(5 * Math.sqrt(1.0 / n)));
    assertThat(moments[2]).isEqualTo(1, within(5 * Math.sqrt(2.0 / n)));
    assertThat(moments[3]).isEqualTo(0, within(5 * Math.sqrt(15.0 / n)));
    assertThat(moments[4]).isEqualTo(3, within(5 * Math.sqrt(96.0 / n)));
  }

  @Test
  void sineLiesAroundItsCurve() {
    Dataset points = PlaneDistribution.SINE.sample(POINTS, 1);
    double squares = 0;
    for (int r = 0; r < POINTS; r++) {
      double x = points.row(r)[0] / 4;
      assertThat(x).isBetween(-2.0, 2.0);
      squares += Math.pow(points.row(r)[1] / 4 - Math.sin(3 * x), 2) / POINTS;
    }
    assertThat(Math.sqrt(squares)).isEqualTo(.25, within(.01));
  }

  @Test
  void swirlLiesOnItsSpiral() {
    Dataset points = PlaneDistribution.SWIRL.sample(POINTS, 1);
    double meanSquareRadius = 0;
    for (int r = 0; r < POINTS; r++) {
      double x = points.row(r)[0] * 3 / 2.5 - .75; // the uniform shifts at their mean
      double y = points.row(r)[1] * 3 / 2.5 - 1.75;
      double t = Math.hypot(x, y);
      double angle = Math.atan2(-y, x);
      double turns = (t - angle) / (2 * Math.PI);
      assertThat(Math.abs(turns - Math.rint(turns)) * 2 * Math.PI * Math.min(1, t)).isLessThan(1.1);
      meanSquareRadius += t * t / POINTS;
    }
    // E t² = 9π²/2 as t² is uniform; the two uniform shifts add a variance of 1/48 each
    assertThat(meanSquareRadius).isEqualTo(4.5 * Math.PI * Math.PI + 1 / 24.0, within(1.0));
  }

  @Test
  void checkerboardFillsItsEightFieldsEvenly() {
    Dataset points = PlaneDistribution.CHECKERBOARD.sample(POINTS, 1);
    int[][] counts = new int[4][4];
    for (int r = 0; r < POINTS; r++) {
      counts[(int) Math.floor(points.row(r)[0] / 3) + 2][
          (int) Math.floor(points.row(r)[1] / 3) + 2]++;
    }
    double fiveDeviations = 5 * Math.sqrt(POINTS / 8.0 * 7 / 8);
    for (int column = 0; column < 4; column++) {
      for (int row = 0; row < 4; row++) {
        if ((column + row) % 2 == 0) {
          assertThat((double) counts[column][row]).isEqualTo(POINTS / 8.0, within(fiveDeviations));
        } else {
          assertThat(counts[column][row]).isZero();
        }
      }
    }
  }

  @Test
  void mixtureDensityIntegratesToOne() {
    GaussianMixture mixture = new GaussianMixture();
    double step = .1;
    double integral = 0;
    for (double x = -8; x <= 8; x += step) {
      for (double y = -8; y <= 8; y += step) {
        integral += Math.exp(mixture.logDensity(new double[] {x, y})) * step * step;
      }
    }
    assertThat(integral).isEqualTo(1, within(1e-6));
    assertThat(mixture.logDensity(new double[] {1e5, 0}))
        .isEqualTo(-Math.pow(1e5 - 4, 2) * 2 - Math.log(4 * Math.PI), within(1e-4));
  }

  @Test
  void mixtureSamplesHaveTheMixturesEntropy() {
    GaussianMixture mixture = new GaussianMixture();
    Dataset points = mixture.sample(POINTS, 1);
    double logDensity = 0;
    for (int r = 0; r < POINTS; r++) {
      logDensity += mixture.logDensity(points.row(r)) / POINTS;
    }
    double separated =
        -Math.log(8) - 1 - Math.log(2 * Math.PI * .25); // if the components did not overlap at all
    assertThat(logDensity).isBetween(separated - .05, separated + .05);
  }

  /**
   * By a numerical Jacobian: it is triangular, so its determinant is the product of the diagonal's
   * finite differences.
   */
  @Test
  void multimodalDensityMatchesTheChangeOfVariables() {
    Multimodal10 distribution = new Multimodal10();
    PortableRandom draws = new PortableRandom(11);
    for (int trial = 0; trial < 20; trial++) {
      double[] n = new double[10];
      double expected = 0;
      for (int i = 0; i < 10; i++) {
        n[i] = .3 * draws.normal();
        expected -= n[i] * n[i] / 2 + Math.log(2 * Math.PI) / 2;
      }
      for (int i = 0; i < 10; i++) {
        double[] up = n.clone();
        double[] down = n.clone();
        up[i] += 1e-5;
        down[i] -= 1e-5;
        expected -= Math.log((map(up)[i] - map(down)[i]) / 2e-5);
      }
      assertThat(distribution.logDensity(map(n))).isEqualTo(expected, within(1e-5));
    }
  }

  private static double[] map(double[] n) {
    double[] y = n.clone();
    for (int i = 1; i < 10; i++) {
      y[i] = Math.tanh(5 * n[i]) * (y[i - 1] + Math.pow(2, i + 1));
    }
    return y;
  }

  @Test
  void multimodalDensityIsFiniteOnSamplesAndZeroOutside() {
    Multimodal10 distribution = new Multimodal10();
    Dataset points = distribution.sample(POINTS, 2);
    for (int r = 0; r < POINTS; r++) {
      assertThat(distribution.logDensity(points.row(r))).isFinite();
    }
    double[] outside = new double[10];
    outside[1] = 4.1;
    assertThat(distribution.logDensity(outside)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThatIllegalArgumentException().isThrownBy(() -> distribution.logDensity(new double[9]));
  }
}
