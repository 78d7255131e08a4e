package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.ebflow.linalg.ElementwiseFunction.Derivatives;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Values of both forms of marginal Gaussianization, in all their pieces. */
class GaussianizationTest {
  private static final double OUTSIDE = 1e-6;

  /** Two columns of three cells: one with all its mass in the first, one with an unlikely first. */
  private static final double[][] MASSES = {
    {.99, .008, .002 - 2 * OUTSIDE}, {1e-5, .5, .49999 - 2 * OUTSIDE}
  };

  private static final double[] SPLINE = {
    -1, -2, .7, 0, -.5, 9, 1, .8, 1.1, 3, 1.5, .4, 3, 1.5, .4, .5, .25
  };

  private static Matrix histograms(Precision precision) {
    double[][] table = new double[MASSES.length][];
    for (int c = 0; c < table.length; c++) {
      double[] p = MASSES[c];
      table[c] =
          new double[] {
            OUTSIDE,
            OUTSIDE + p[1] + p[2],
            p[0],
            OUTSIDE + p[0],
            OUTSIDE + p[2],
            p[1],
            OUTSIDE + p[0] + p[1],
            OUTSIDE,
            p[2]
          };
    }
    return Matrix.ofRows(Precision.FLOAT64, table).copy(precision);
  }

  /** Values, slopes and inverse of a function on a column of places. */
  private record Run(double[] y, double[] slopes, double[] back) {
    static Run of(ElementwiseBijection f, Matrix table, int columns, double... places) {
      Precision precision = table.precision();
      double[][] rows = new double[places.length][columns];
      for (int r = 0; r < rows.length; r++) {
        Arrays.fill(rows[r], places[r]);
      }
      Matrix x = Matrix.ofRows(precision, rows);
      Matrix y = Matrix.allocate(precision, x.rows(), columns);
      Matrix f1 = Matrix.allocate(precision, 1, x.size());
      Matrix back = Matrix.allocate(precision, x.rows(), columns);
      f.value(table, x, y, new Matrix[0], f1, 0, x.size());
      f.inverse(table, y, back);
      return new Run(flat(y), flat(f1), flat(back));
    }

    private static double[] flat(Matrix m) {
      return Arrays.stream(m.toRows()).flatMapToDouble(Arrays::stream).toArray();
    }
  }

  private static ElementwiseFunctions functions(Precision precision) {
    return KernelChoice.fastest(precision).functions();
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void histogramsMatchTheirFormula(Precision precision) {
    double[] places = {0, 1e-4, .25, .5, .999, 1, 1.5, 1.75, 2, 2.5, 2.9999, 3};
    Run run =
        Run.of(functions(precision).histogramGaussianization(), histograms(precision), 2, places);
    double rounding = precision == Precision.FLOAT32 ? 2e-5 : 1e-12;
    for (int i = 0; i < run.y.length; i++) {
      double x = precision == Precision.FLOAT32 ? (float) places[i / 2] : places[i / 2];
      double[] p = MASSES[i % 2];
      int k = Math.min(2, (int) x);
      double below = OUTSIDE + (k > 0 ? p[0] : 0) + (k > 1 ? p[1] : 0) + p[k] * (x - k);
      double above = OUTSIDE + (k < 1 ? p[1] : 0) + (k < 2 ? p[2] : 0) + p[k] * (k + 1 - x);
      double z = below < above ? StandardNormal.quantile(below) : -StandardNormal.quantile(above);
      double slope = p[k] / (Math.exp(-.5 * z * z) / Math.sqrt(2 * Math.PI));
      assertThat(run.y[i]).as("x %s", x).isCloseTo(z, within(rounding * slope + rounding));
      assertThat(run.slopes[i] / slope).isCloseTo(1, within(10 * rounding));
      assertThat(run.back[i]).isCloseTo(x, within(10 * rounding));
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void histogramsGoOnLinearly(Precision precision) {
    Run run =
        Run.of(
            functions(precision).histogramGaussianization(),
            histograms(precision),
            2,
            -20,
            -10,
            0,
            3,
            13,
            23);
    for (int column = 0; column < 2; column++) {
      for (int edge : new int[] {2, 3}) {
        int inward = 2 * edge + column;
        int outward = edge == 2 ? -2 : 2;
        double step = run.y[inward + outward] - run.y[inward];
        assertThat(step / (5.0 * outward))
            .isCloseTo(run.slopes[inward], within(1e-5 * run.slopes[inward]));
        assertThat((run.y[inward + 2 * outward] - run.y[inward + outward]) / step)
            .isCloseTo(1, within(1e-5));
        assertThat(run.back[inward + 2 * outward]).isCloseTo(edge == 2 ? -20 : 23, within(1e-3));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void histogramsHaveNoCurvatureBeyondTheirEdges(Precision precision) {
    ElementwiseBijection f = functions(precision).histogramGaussianization();
    Matrix x =
        Matrix.ofRows(precision, new double[][] {{-7, -7}, {-.5, -.5}, {3.5, 3.5}, {11, 11}});
    Matrix y = Matrix.allocate(precision, x.rows(), 2);
    Matrix[] kept = {
      Matrix.allocate(precision, x.rows(), 2), Matrix.allocate(precision, x.rows(), 2)
    };
    Matrix slopes = Matrix.allocate(precision, 1, x.size());
    f.value(histograms(precision), x, y, kept, slopes, 0, x.size());
    Derivatives d =
        new Derivatives(
            Matrix.allocate(precision, 1, x.size()),
            Matrix.allocate(precision, 1, x.size()),
            Matrix.allocate(precision, 1, x.size()),
            Matrix.allocate(precision, 1, x.size()));
    f.derivatives(histograms(precision), x, kept, d, 4, 0, x.size());
    for (int i = 0; i < x.size(); i++) {
      assertThat(d.f1().get(0, i)).isPositive().isEqualTo(slopes.get(0, i));
      assertThat(d.f2().get(0, i)).isZero();
      assertThat(d.f3().get(0, i)).isZero();
      assertThat(d.f4().get(0, i)).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void splinesPassThroughTheirKnots(Precision precision) {
    Matrix table = Matrix.of(SPLINE, 1, SPLINE.length).copy(precision);
    Run run = Run.of(functions(precision).quantileGaussianization(), table, 1, -1, 0, 1, 3);
    double rounding = precision == Precision.FLOAT32 ? 1e-6 : 1e-14;
    for (int k = 0; k < 4; k++) {
      assertThat(run.y[k]).isCloseTo(SPLINE[3 * k + 1], within(rounding));
      assertThat(run.slopes[k]).isCloseTo(SPLINE[3 * k + 2], within(10 * rounding));
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void splinesIncreaseAndReturn(Precision precision) {
    Matrix table = Matrix.of(SPLINE, 1, SPLINE.length).copy(precision);
    double[] places = new double[2_001];
    Arrays.setAll(places, i -> -6 + i * .006);
    Run run = Run.of(functions(precision).quantileGaussianization(), table, 1, places);
    double rounding = precision == Precision.FLOAT32 ? 2e-5 : 1e-13;
    for (int i = 0; i < places.length; i++) {
      assertThat(run.back[i]).isCloseTo(places[i], within(rounding));
      if (i > 0) {
        assertThat(run.y[i]).isGreaterThan(run.y[i - 1]);
      }
    }
  }

  @Test
  void splinesAreFiniteWhereverNumbersAre() {
    Matrix table = Matrix.of(SPLINE, 1, SPLINE.length);
    Run run =
        Run.of(
            functions(Precision.FLOAT64).quantileGaussianization(),
            table,
            1,
            -Double.MAX_VALUE,
            -1e300,
            1e300,
            Double.MAX_VALUE);
    assertThat(run.y).isSorted();
    assertThat(Arrays.stream(run.y).boxed()).allMatch(Double::isFinite);
    assertThat(Arrays.stream(run.slopes).boxed()).allMatch(f1 -> f1 > 0 && Double.isFinite(f1));
  }

  @Test
  void splinesContinueBeyondTheirKnotsByTheLogarithm() {
    Matrix table = Matrix.of(SPLINE, 1, SPLINE.length);
    Run run = Run.of(functions(Precision.FLOAT64).quantileGaussianization(), table, 1, -3, 7);
    assertThat(run.y[0]).isCloseTo(-2 - Math.log1p(.5 * .7 * 2) / .5, within(1e-14));
    assertThat(run.y[1]).isCloseTo(1.5 + Math.log1p(.25 * .4 * 4) / .25, within(1e-14));
    assertThat(run.slopes[0]).isCloseTo(.7 / (1 + .5 * .7 * 2), within(1e-14));
  }

  @Test
  void standardNormalHasItsKnownValues() {
    assertThat(StandardNormal.cdf(0)).isEqualTo(.5);
    assertThat(StandardNormal.cdf(-1)).isCloseTo(.15865525393145705, within(2e-16));
    assertThat(StandardNormal.cdf(1.96)).isCloseTo(.9750021048517795, within(2e-16));
    assertThat(StandardNormal.cdf(-6)).isCloseTo(9.865876450376946e-10, within(1e-23));
    assertThat(StandardNormal.cdf(-20)).isCloseTo(2.7536241186062337e-89, within(1e-101));
    assertThat(StandardNormal.quantile(.5)).isZero();
    assertThat(StandardNormal.quantile(.975)).isCloseTo(1.9599639845400545, within(1e-14));
    assertThat(StandardNormal.quantile(1e-10)).isCloseTo(-6.361340902404056, within(1e-14));
  }
}
