package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.ebflow.linalg.ElementwiseFunction.Derivatives;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Monotone splines against their plain formula in float64. */
class MonotoneSplineFunctionTest {
  private static final int WIDTH = 3;
  private static final double RANGE = 3.5;
  private static final double ROUNDING = 4 * 0x1p-52;

  /** Near zero, at and around knots, in the tails and far out, of both signs. */
  private static final double[] PLACES = {
    0, 1e-30, 1e-6, 0.01, 0.1, 0.3, 0.5, 0.875, 1, 1.3125, 1.75, 2.2, 2.625, 3, 3.4, 3.5, 3.6, 4,
    4.6, 5, 5.25, 6, 7, 10.4, 17.5, 17.6, 30, 100, 1000
  };

  static Stream<Arguments> cases() {
    return Stream.of(Precision.values())
        .flatMap(
            precision ->
                IntStream.of(1, 2, 4, 9, 15, 40)
                    .mapToObj(intervals -> Arguments.of(precision, intervals)));
  }

  /** A few units in the last place. */
  private static double tolerance(Precision precision) {
    return precision == Precision.FLOAT32 ? 8 * 0x1p-23 : 8 * 0x1p-52;
  }

  /**
   * The formula: coefficients of the cubic B-splines of uniform knots, the outermost repeated
   * beyond the last knots.
   */
  private record Formula(double step, double[] e) {
    static Formula of(int intervals, Matrix theta, int column) {
      double[] e = new double[theta.rows()];
      for (int k = 0; k < e.length; k++) {
        e[k] = StrictMath.exp(theta.get(k, column));
      }
      return new Formula(2 * RANGE / intervals, e);
    }

    /** Derivative of that order of f at x, at least 1; one-sided from the right at a knot. */
    double derivative(int order, double x) {
      double at = (x + RANGE) / step;
      double sum = 0;
      for (int k = (int) Math.floor(at) - 1; k <= Math.floor(at) + 5; k++) {
        double coefficient = e[Math.max(0, Math.min(e.length - 1, k))];
        sum += coefficient * basis(3, order - 1, at - (k - 3));
      }
      return sum / StrictMath.pow(step, order - 1);
    }

    /** Derivative of the B-spline of that degree on knots 0, 1, …, by de Boor's recursion. */
    private static double basis(int degree, int derivative, double t) {
      if (derivative > 0) {
        return basis(degree - 1, derivative - 1, t) - basis(degree - 1, derivative - 1, t - 1);
      }
      if (degree == 0) {
        return t >= 0 && t < 1 ? 1 : 0;
      }
      return t / degree * basis(degree - 1, 0, t)
          + (degree + 1 - t) / degree * basis(degree - 1, 0, t - 1);
    }

    /** f by Simpson's rule, exact for cubics, from zero over every knot to x. */
    double value(double x) {
      double size = Math.abs(x);
      double sum = 0;
      double from = 0;
      while (from < size) {
        double knot = ((Math.floor((from + RANGE) / step + 1e-9) + 1) * step) - RANGE;
        double mirrored = RANGE - (Math.ceil((RANGE - from) / step - 1e-9) - 1) * step;
        boolean linear = from > RANGE + 1.9 * step; // one part, for the sake of rounding
        double next = linear ? size : Math.min(size, x < 0 ? mirrored : knot);
        double sign = x < 0 ? -1 : 1;
        double part = next - from;
        sum +=
            part
                / 6
                * (derivative(1, sign * from)
                    + 4 * derivative(1, sign * (from + part / 2))
                    + derivative(1, sign * next));
        from = next;
      }
      return x < 0 ? -sum : sum;
    }
  }

  private static Matrix table(Kernels kernels, int intervals, Matrix theta) {
    MonotoneSplineFunction spline = kernels.functions().monotoneSpline();
    Matrix table =
        Matrix.allocate(kernels.precision(), spline.tableRows(intervals), theta.columns());
    spline.exponentiate(theta.copy(kernels.precision()), table, 0);
    spline.tabulate(intervals, RANGE, table);
    return table;
  }

  private static Matrix places(Precision precision) {
    Matrix x = Matrix.allocate(precision, 2 * PLACES.length, WIDTH);
    for (int r = 0; r < PLACES.length; r++) {
      for (int c = 0; c < WIDTH; c++) {
        x.set(2 * r, c, PLACES[r]);
        x.set(2 * r + 1, c, -PLACES[r]);
      }
    }
    return x;
  }

  private static Matrix row(Precision precision, int size) {
    return Matrix.allocate(precision, 1, size);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void valueAndSlopeAreThoseOfTheFormulaToAFewUlps(Precision precision, int intervals) {
    Kernels kernels = KernelChoice.fastest(precision);
    Matrix theta = FunctionUnderTest.splineTheta(intervals, WIDTH).copy(precision);
    Matrix x = places(precision);
    Matrix y = Matrix.allocate(precision, x.rows(), WIDTH);
    Matrix slope = row(precision, x.size());
    kernels
        .functions()
        .monotoneSpline()
        .value(table(kernels, intervals, theta), x, y, new Matrix[0], slope, 0, x.size());
    for (int c = 0; c < WIDTH; c++) {
      Formula formula = Formula.of(intervals, theta, c);
      for (int r = 0; r < x.rows(); r++) {
        double at = x.get(r, c);
        double f = formula.value(at);
        double f1 = formula.derivative(1, at);
        // what rounding of x, and in the formula of x + R, does to f and f'
        double rounded = Math.min(Math.abs(at), RANGE) * f1;
        double steep = Math.abs(at * formula.derivative(2, at));
        double range = RANGE * Math.abs(formula.derivative(2, at));
        assertThat(y.get(r, c))
            .as("f(%s)", at)
            .isCloseTo(f, Offset.offset(tolerance(precision) * Math.abs(f) + ROUNDING * rounded));
        assertThat(slope.get(0, r * WIDTH + c))
            .as("f'(%s)", at)
            .isCloseTo(f1, Offset.offset(tolerance(precision) * (f1 + steep) + ROUNDING * range));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void derivativesAreThoseOfTheFormula(Precision precision, int intervals) {
    Kernels kernels = KernelChoice.fastest(precision);
    Matrix theta = FunctionUnderTest.splineTheta(intervals, WIDTH).copy(precision);
    Matrix x = Matrix.allocate(precision, 200, WIDTH);
    double step = 2 * RANGE / intervals;
    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < WIDTH; c++) { // never at a knot, where the fourth derivative jumps
        double inSteps = (r - 100) / 100.0 * (intervals / 2.0 + 3.1);
        double fromKnot = inSteps - Math.rint(inSteps + intervals / 2.0) + intervals / 2.0;
        x.set(r, c, step * (Math.abs(fromKnot) < 0.01 ? inSteps + 0.02 : inSteps));
      }
    }
    int n = x.size();
    Derivatives d =
        new Derivatives(row(precision, n), row(precision, n), row(precision, n), row(precision, n));
    kernels
        .functions()
        .monotoneSpline()
        .derivatives(table(kernels, intervals, theta), x, new Matrix[0], d, 4, 0, n);
    Matrix[] found = {d.f1(), d.f2(), d.f3(), d.f4()};
    for (int c = 0; c < WIDTH; c++) {
      Formula formula = Formula.of(intervals, theta, c);
      for (int r = 0; r < x.rows(); r++) {
        for (int order = 1; order <= 4; order++) {
          double expected = formula.derivative(order, x.get(r, c));
          double size = StrictMath.E * StrictMath.pow(4 / step, order - 1); // of its terms
          assertThat(found[order - 1].get(0, r * WIDTH + c))
              .as("derivative %d at %s", order, x.get(r, c))
              .isCloseTo(expected, Offset.offset(tolerance(precision) * size * (1 + intervals)));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theInverseIsExactToAFewUlps(Precision precision, int intervals) {
    Kernels kernels = KernelChoice.fastest(precision);
    MonotoneSplineFunction spline = kernels.functions().monotoneSpline();
    Matrix theta = FunctionUnderTest.splineTheta(intervals, WIDTH).copy(precision);
    Matrix y = places(precision);
    Matrix x = Matrix.allocate(precision, y.rows(), WIDTH);
    spline.inverse(table(kernels, intervals, theta), y, x);
    for (int c = 0; c < WIDTH; c++) {
      Formula formula = Formula.of(intervals, theta, c);
      for (int r = 0; r < y.rows(); r++) {
        double at = x.get(r, c);
        double rounding = Math.abs(at) * formula.derivative(1, at); // of x, seen in f
        assertThat(formula.value(at))
            .isCloseTo(
                y.get(r, c),
                Offset.offset(tolerance(precision) * (Math.abs(y.get(r, c)) + rounding)));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void notANumberStaysOneAndInfinityStaysInfinite(Precision precision, int intervals) {
    Kernels kernels = KernelChoice.fastest(precision);
    MonotoneSplineFunction spline = kernels.functions().monotoneSpline();
    Matrix theta = FunctionUnderTest.splineTheta(intervals, 1).copy(precision);
    Matrix table = table(kernels, intervals, theta);
    double[] special = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    Matrix x = Matrix.of(special, 3, 1).copy(precision);
    Matrix y = Matrix.allocate(precision, 3, 1);
    Matrix slope = row(precision, 3);
    spline.value(table, x, y, new Matrix[0], slope, 0, 3);
    Matrix back = Matrix.allocate(precision, 3, 1);
    spline.inverse(table, x, back);
    for (int r = 0; r < 3; r++) {
      assertThat(y.get(r, 0)).isEqualTo(Double.valueOf(special[r])); // NaN is NaN
      assertThat(back.get(r, 0)).isEqualTo(Double.valueOf(special[r]));
    }
    assertThat(slope.get(0, 0)).isNaN();
    for (int r = 1; r < 3; r++) {
      double outermost = theta.get(r == 1 ? theta.rows() - 1 : 0, 0);
      assertThat(slope.get(0, r))
          .isCloseTo(StrictMath.exp(outermost), Offset.offset(3 * tolerance(precision)));
    }
  }

  /** Slopes whose neighbours differ by nine decades: Bernstein's form has no differences. */
  @ParameterizedTest
  @MethodSource("cases")
  void slopesStayPositiveAndAccurateWhateverTheirNeighbours(Precision precision, int intervals) {
    Kernels kernels = KernelChoice.fastest(precision);
    Matrix theta = Matrix.allocate(Precision.FLOAT64, intervals + 3, 1);
    for (int k = 0; k < theta.rows(); k++) {
      theta.set(k, 0, k % 2 == 0 ? 10 : -10);
    }
    Matrix rounded = theta.copy(precision);
    Formula formula = Formula.of(intervals, rounded, 0);
    Matrix x = Matrix.allocate(precision, 997, 1);
    for (int r = 0; r < x.rows(); r++) {
      x.set(r, 0, -6 + 12.0 * r / (x.rows() - 1));
    }
    Matrix slope = row(precision, x.rows());
    Matrix y = Matrix.allocate(precision, x.rows(), 1);
    kernels
        .functions()
        .monotoneSpline()
        .value(table(kernels, intervals, rounded), x, y, new Matrix[0], slope, 0, x.rows());
    for (int r = 0; r < x.rows(); r++) {
      double at = x.get(r, 0);
      double f1 = formula.derivative(1, at);
      double steep = Math.abs(at * formula.derivative(2, at));
      assertThat(slope.get(0, r))
          .isPositive()
          .isCloseTo(f1, Offset.offset(2 * tolerance(precision) * (f1 + steep)));
    }
  }
}
