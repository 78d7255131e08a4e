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

  /** Parameters for rows of that width: constants, or slopes between a half and two. */
  public Matrix parameters(Precision precision, int width) {
    double[] values = constants;
    if (trainable()) {
      values = new double[width];
      for (int i = 0; i < width; i++) {
        values[i] = 0.5 + 1.5 * (i % 7) / 7;
      }
    }
    return Matrix.of(values, 1, values.length).copy(precision);
  }

  @Override
  public String toString() {
    return name;
  }
}
