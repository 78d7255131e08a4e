package org.ebflow.linalg;

import java.util.List;
import java.util.function.Function;

/**
 * An elementwise function in every test that runs over all of them: a new one is one line here.
 *
 * @param of the function in some precision
 * @param bijection whether it has derivatives of h and an inverse
 * @param onUnitInterval whether x lies in (0,1), else on the reals
 * @param constants its parameters, null for one slope per column
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
}
