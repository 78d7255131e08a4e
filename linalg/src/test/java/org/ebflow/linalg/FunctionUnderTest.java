package org.ebflow.linalg;

import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * An elementwise function in every test that runs over all of them: a new one is one line here.
 *
 * @param of the function in some precision
 * @param bijection whether it has derivatives of h and an inverse
 * @param onUnitInterval whether x lies in (0,1), else on the reals
 * @param constants its parameters, unless they differ from column to column
 */
public record FunctionUnderTest(
    String name,
    Function<ElementwiseFunctions, ElementwiseFunction> of,
    boolean bijection,
    boolean onUnitInterval,
    double... constants) {
  /** Every function of the library. */
  public static List<FunctionUnderTest> all() {
    return List.of(
        new FunctionUnderTest(
            "smoothLeakyRelu", ElementwiseFunctions::smoothLeakyRelu, true, false, 0.3, 0.7),
        new FunctionUnderTest("logit", ElementwiseFunctions::logit, true, true, 1 / 1.3, 1.3),
        new FunctionUnderTest("monotoneSpline", ElementwiseFunctions::monotoneSpline, true, false),
        new FunctionUnderTest(
            "histogramGaussianization", ElementwiseFunctions::histogramGaussianization, true, true),
        new FunctionUnderTest(
            "quantileGaussianization", ElementwiseFunctions::quantileGaussianization, true, true),
        new FunctionUnderTest("swish", ElementwiseFunctions::swish, false, false),
        new FunctionUnderTest("elu", ElementwiseFunctions::elu, false, false),
        new FunctionUnderTest("leakyRelu", ElementwiseFunctions::leakyRelu, false, false, 0.01),
        new FunctionUnderTest("relu", ElementwiseFunctions::leakyRelu, false, false, 0),
        new FunctionUnderTest("tanh", ElementwiseFunctions::tanh, false, false, -1.5, 0.8));
  }

  /** Whether its parameters are trainable, one per column. */
  public boolean trainable() {
    return name.equals("swish");
  }

  /** Whether what it keeps begins with f', by which the derivatives of h divide. */
  public boolean keepsSlope() {
    return name.equals("quantileGaussianization");
  }

  /** The function of those kernels. */
  public ElementwiseFunction in(Kernels kernels) {
    return of.apply(kernels.functions());
  }

  /** Parameters for rows of that width: constants, tables, or slopes between a half and two. */
  public Matrix parameters(Precision precision, int width) {
    if (name.equals("monotoneSpline")) {
      return splineTable(precision, width);
    }
    double[] values = constants;
    if (name.equals("histogramGaussianization")) {
      return table(width, FunctionUnderTest::histogram).copy(precision);
    }
    if (name.equals("quantileGaussianization")) {
      return table(width, FunctionUnderTest::spline).copy(precision);
    }
    if (trainable()) {
      values = new double[width];
      for (int i = 0; i < width; i++) {
        values[i] = 0.5 + 1.5 * (i % 7) / 7;
      }
    }
    return Matrix.of(values, 1, values.length).copy(precision);
  }

  /** Of five intervals between -2 and 2 with slopes between 1/e and e. */
  public static Matrix splineTable(Precision precision, int width) {
    MonotoneSplineFunction spline = KernelChoice.reference(precision).functions().monotoneSpline();
    int intervals = 5;
    Matrix table = Matrix.allocate(precision, spline.tableRows(intervals), width);
    spline.exponentiate(splineTheta(intervals, width).copy(precision), table, 0);
    spline.tabulate(intervals, 2, table);
    return table;
  }

  /** θ between -1 and 1. */
  public static Matrix splineTheta(int intervals, int width) {
    int count = MonotoneSplineFunction.coefficients(intervals);
    Matrix theta = Matrix.allocate(Precision.FLOAT64, count, width);
    for (int k = 0; k < count; k++) {
      for (int c = 0; c < width; c++) {
        theta.set(k, c, Math.sin(5 * k + 3 * c));
      }
    }
    return theta;
  }

  @Override
  public String toString() {
    return name;
  }

  private static Matrix table(int width, IntFunction<double[]> ofColumn) {
    return Matrix.ofRows(
        Precision.FLOAT64, IntStream.range(0, width).mapToObj(ofColumn).toArray(double[][]::new));
  }

  /** Two cells, the first of which holds between a third and two thirds of the mass. */
  private static double[] histogram(int column) {
    double outside = 1e-3;
    double first = (1 + (column % 7) / 6.0) / 3;
    double second = 1 - 2 * outside - first;
    return new double[] {outside, outside + second, first, outside + first, outside, second};
  }

  /** Four knots, none of them in (0,1). */
  private static double[] spline(int column) {
    double slope = 0.5 + (column % 7) / 6.0;
    return new double[] {-1, -2, 0.7, 0, -0.5, slope, 1, 0.8, 1.1, 3, 1.5, 0.4, 0.5, 0.25};
  }
}
