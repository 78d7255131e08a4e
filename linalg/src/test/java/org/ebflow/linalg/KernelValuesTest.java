package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.function.Function;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Values of the kernels against plain float64 formulas. */
class KernelValuesTest {
  private static final double A = 0.3;
  private static final double B = 0.7;
  private static final int WIDTH = 997;

  /** A few units in the last place. */
  private static double tolerance(Precision precision) {
    return precision == Precision.FLOAT32 ? 6e-7 : 1e-15;
  }

  private static Matrix grid(Precision precision, double from, double to) {
    Matrix x = Matrix.allocate(precision, 1, WIDTH);
    for (int i = 0; i < WIDTH; i++) {
      x.set(0, i, from + (to - from) * i / (WIDTH - 1));
    }
    return x;
  }

  private static double softplus(double x) {
    return Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
  }

  private static double sigmoid(double x) {
    return x >= 0 ? 1 / (1 + StrictMath.exp(-x)) : StrictMath.exp(x) / (1 + StrictMath.exp(x));
  }

  private static void assertClose(double actual, double expected, double relative) {
    assertThat(actual)
        .isCloseTo(expected, Offset.offset(relative * Math.abs(expected) + Double.MIN_NORMAL));
  }

  /** What order 0 of an elementwise function computes. */
  private record Order0(Matrix y, Matrix kept, double logDet) {
    static Order0 of(
        Precision precision,
        Function<ElementwiseFunctions, ? extends ElementwiseFunction> function,
        Matrix x,
        double... constants) {
      Kernels kernels = KernelChoice.fastest(precision);
      ElementwiseFunction f = function.apply(kernels.functions());
      Matrix y = Matrix.allocate(precision, 1, WIDTH);
      Matrix[] kept = new Matrix[f.keeps(0)];
      Arrays.setAll(kept, i -> Matrix.allocate(precision, 1, WIDTH));
      Matrix logDet = Matrix.allocate(Precision.FLOAT64, 1, 1);
      kernels.jets().forward0(f, constants(precision, constants), kept, x, y, logDet);
      return new Order0(y, kept.length == 0 ? y : kept[0], logDet.get(0, 0));
    }
  }

  private static Matrix constants(Precision precision, double... values) {
    return Matrix.of(values, 1, values.length).copy(precision);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void smoothLeakyReluMatchesItsFormula(Precision precision) {
    Matrix x = grid(precision, -30, 30);
    Order0 order0 = Order0.of(precision, ElementwiseFunctions::smoothLeakyRelu, x, A, B);
    double sum = 0;
    for (int i = 0; i < WIDTH; i++) {
      double u = x.get(0, i);
      double expected = A * u + B * softplus(u);
      double size = A * Math.abs(u) + B * softplus(u); // the two terms cancel near the zero of f
      assertThat(order0.y.get(0, i))
          .isCloseTo(expected, Offset.offset(tolerance(precision) * size));
      assertClose(order0.kept.get(0, i), sigmoid(u), tolerance(precision));
      sum += StrictMath.log(A + B * sigmoid(u));
    }
    assertClose(order0.logDet, sum, precision == Precision.FLOAT32 ? 1e-6 : 1e-13);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void softplusKeepsItsRelativeAccuracyFarToTheLeft(Precision precision) {
    Matrix x = grid(precision, -80, -5);
    Order0 order0 = Order0.of(precision, ElementwiseFunctions::smoothLeakyRelu, x, 0, 1);
    for (int i = 0; i < WIDTH; i++) {
      assertClose(order0.y.get(0, i), softplus(x.get(0, i)), tolerance(precision));
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void logDeterminantStaysFiniteForSteepAndFlatSlopes(Precision precision) {
    Matrix x = grid(precision, -200, -100); // f' = a
    for (double a : new double[] {1e-6, 1e6}) {
      Order0 order0 = Order0.of(precision, ElementwiseFunctions::smoothLeakyRelu, x, a, B);
      assertClose(order0.logDet, WIDTH * StrictMath.log(a), 1e-6);
    }
  }

  /** Of the slopes of leaky ReLU on either side, which may be anything but a number between. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void logDeterminantIsOfMagnitudesAndInfiniteOrNaNWhereASlopeIs(Precision precision) {
    Matrix x = grid(precision, -1, -0.5);
    for (double a : new double[] {-3, 0, Double.POSITIVE_INFINITY, Double.NaN}) {
      Order0 order0 = Order0.of(precision, ElementwiseFunctions::leakyRelu, x, a);
      double expected = WIDTH * StrictMath.log(Math.abs(a));
      if (a == -3) {
        assertClose(order0.logDet, expected, 1e-6);
      } else {
        assertThat(order0.logDet).isEqualTo(Double.valueOf(expected)); // NaN is NaN
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void inverseUndoesSmoothLeakyRelu(Precision precision) {
    for (double size : new double[] {1e-3, 3, 100, 1e30}) {
      Matrix y = grid(precision, -size, size);
      Matrix x = Matrix.allocate(precision, 1, WIDTH);
      KernelChoice.fastest(precision)
          .functions()
          .smoothLeakyRelu()
          .inverse(constants(precision, A, B), y, x);
      for (int i = 0; i < WIDTH; i++) {
        double u = x.get(0, i);
        double terms = A * Math.abs(u) + B * softplus(u);
        assertThat(A * u + B * softplus(u))
            .isCloseTo(y.get(0, i), Offset.offset(2 * tolerance(precision) * terms));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void activationsMatchTheirFormulas(Precision precision) {
    Matrix x = grid(precision, -20, 20);
    double[] ones = new double[WIDTH];
    Arrays.fill(ones, 1);
    Matrix swish = Order0.of(precision, ElementwiseFunctions::swish, x, ones).y;
    Matrix elu = Order0.of(precision, ElementwiseFunctions::elu, x).y;
    Matrix leakyRelu = Order0.of(precision, ElementwiseFunctions::leakyRelu, x, 0.25).y;
    Matrix relu = Order0.of(precision, ElementwiseFunctions::leakyRelu, x, 0).y;
    Matrix tanh = Order0.of(precision, ElementwiseFunctions::tanh, x, -2, 0.5).y;
    for (int i = 0; i < WIDTH; i++) {
      double u = x.get(0, i);
      assertClose(swish.get(0, i), u * sigmoid(u), tolerance(precision));
      assertClose(elu.get(0, i), u > 0 ? u : StrictMath.expm1(u), tolerance(precision));
      assertClose(tanh.get(0, i), -2 * StrictMath.tanh(u / 2), tolerance(precision));
      assertThat(leakyRelu.get(0, i)).isEqualTo(u > 0 ? u : 0.25 * u);
      assertThat(relu.get(0, i)).isCloseTo(Math.max(u, 0), Offset.offset(0.0)); // -0 is 0
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void tanhKeepsItsRelativeAccuracyNearZero(Precision precision) {
    Matrix x = grid(precision, -1e-4, 1e-4);
    Matrix tanh = Order0.of(precision, ElementwiseFunctions::tanh, x, 3, 2).y;
    for (int i = 0; i < WIDTH; i++) {
      assertClose(tanh.get(0, i), 3 * StrictMath.tanh(2 * x.get(0, i)), tolerance(precision));
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void logitAndSigmoidAreInverse(Precision precision) {
    Matrix x = grid(precision, 0.001, 0.999);
    Matrix back = Matrix.allocate(precision, 1, WIDTH);
    Order0 order0 = Order0.of(precision, ElementwiseFunctions::logit, x, 1 / 1.3, 1.3);
    KernelChoice.fastest(precision)
        .functions()
        .logit()
        .inverse(constants(precision, 1 / 1.3, 1.3), order0.y, back);
    double sum = 0;
    for (int i = 0; i < WIDTH; i++) {
      double u = x.get(0, i);
      sum -= StrictMath.log(1.3) + StrictMath.log(u) + StrictMath.log(1 - u);
      assertThat(order0.y.get(0, i))
          .isCloseTo(
              (StrictMath.log(u) - StrictMath.log(1 - u)) / 1.3,
              Offset.offset(10 * tolerance(precision)));
      assertClose(back.get(0, i), u, 10 * tolerance(precision));
    }
    assertClose(order0.logDet, sum, precision == Precision.FLOAT32 ? 1e-6 : 1e-13);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void normalisedRowsAndTheirPullBackMatchTheirFormulas(Precision precision) {
    Matrix v = apart(precision, new double[][] {{9, 9}, {3, -4}, {.6, .8}});
    Matrix g = Matrix.ofRows(precision, new double[][] {{9, 10, -2}});
    Matrix w = Matrix.allocate(precision, 3, 2);
    KernelChoice.fastest(precision).rows().normaliseRows(v, g, w);
    assertClose(w.get(1, 0), 6, tolerance(precision));
    assertClose(w.get(1, 1), -8, tolerance(precision));
    assertClose(w.get(2, 0), -1.2, tolerance(precision));
    assertClose(w.get(2, 1), -1.6, tolerance(precision));

    Matrix wBar = Matrix.ofRows(precision, new double[][] {{2, 1}, {1, -1}});
    Matrix vBar = apart(precision, new double[][] {{7, 7}, {100, 200}, {0, 0}});
    Matrix gBar = Matrix.ofRows(precision, new double[][] {{7, 50, 0}});
    KernelChoice.fastest(precision).rows().pullBackNormalisedRows(v, g, wBar, vBar, gBar, 1);
    double[][] expected = {
      {7, 7}, // left alone
      {100 + 2 * (2 - .4 * .6), 200 + 2 * (1 + .4 * .8)}, // W̄·v̂ = .4, g/‖v‖ = 2
      {-2 * (1 + .2 * .6), -2 * (-1 + .2 * .8)} // W̄·v̂ = -.2, g/‖v‖ = -2
    };
    double[] expectedMagnitude = {7, 50 + .4, -.2};
    for (int r = 0; r < 3; r++) {
      for (int c = 0; c < 2; c++) {
        assertClose(vBar.get(r, c), expected[r][c], 2 * tolerance(precision));
      }
      assertClose(gBar.get(0, r), expectedMagnitude[r], 2 * tolerance(precision));
    }
  }

  /** The rows with NaN between them. */
  private static Matrix apart(Precision precision, double[][] rows) {
    Matrix wide = Matrix.allocate(precision, rows.length, rows[0].length + 3);
    wide.fill(Double.NaN);
    Matrix result = wide.columns(0, rows[0].length);
    result.copyFrom(Matrix.ofRows(precision, rows));
    return result;
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void optimizersMatchTheirFormulas(Precision precision) {
    double p = 0.5;
    double g = -0.25;
    double m = 0.125;
    double v = 0.75;
    double ema = 0.375;
    double gradient = 0.5 * g + 0.125 * p;
    double square = 0.75 * v + 0.25 * gradient * gradient;
    double updated = p - 0.01 * gradient / (Math.sqrt(square) + 1e-3);
    Matrix[] at = cells(precision, p, g, m, v, ema);
    KernelChoice.fastest(precision)
        .optimizer()
        .rmsProp(at[0], at[1], at[3], at[4], 0.01, 0.75, 1e-3, 0.125, 0.5, 0.9);
    assertClose(at[0].get(0, 0), updated, tolerance(precision));
    assertClose(at[3].get(0, 0), square, tolerance(precision));
    assertClose(at[4].get(0, 0), 0.9 * ema + 0.1 * updated, tolerance(precision));
    for (boolean decoupled : new boolean[] {true, false}) {
      double used = decoupled ? 0.5 * g : gradient;
      double mean = 0.5 * m + 0.5 * used;
      square = 0.75 * v + 0.25 * used * used;
      double start = decoupled ? p * (1 - 0.01 * 0.125) : p;
      updated = start - 0.01 / 0.19 * mean / (Math.sqrt(square) / Math.sqrt(0.02) + 1e-3);
      at = cells(precision, p, g, m, v, ema);
      KernelChoice.fastest(precision)
          .optimizer()
          .adam(
              at[0], at[1], at[2], at[3], at[4], 0.01, 0.5, 0.75, 1e-3, 0.19, 0.02, 0.125,
              decoupled, 0.5, 0.9);
      assertClose(at[0].get(0, 0), updated, tolerance(precision));
      assertClose(at[2].get(0, 0), mean, tolerance(precision));
      assertClose(at[3].get(0, 0), square, tolerance(precision));
      assertClose(at[4].get(0, 0), 0.9 * ema + 0.1 * updated, tolerance(precision));
    }
    assertClose(KernelChoice.fastest(precision).optimizer().sumOfSquares(at[1]), 37 * g * g, 1e-14);
  }

  private static Matrix[] cells(Precision precision, double... values) {
    Matrix[] result = new Matrix[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = Matrix.allocate(precision, 1, 37);
      result[i].fill(values[i]);
    }
    return result;
  }
}
