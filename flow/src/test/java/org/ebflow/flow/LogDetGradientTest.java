package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.PointwiseConvolution;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.Triangular;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** When the gradient of log|det| in a weight is left out. */
class LogDetGradientTest {
  private static final Blas BLAS = Blas.named("openblas");

  static Stream<ConstantJacobian> layersThatMayBeFrozen() {
    return Stream.of(
        new Dense(4),
        new Triangular(4, true),
        new Triangular(4, false),
        new Convolution(new Shape(1, 4, 4), 3), // dense LU
        new Convolution(new Shape(1, 40, 3), 3)); // banded LU
  }

  static Stream<ConstantJacobian> layers() {
    return Stream.concat(
        layersThatMayBeFrozen(), Stream.of(new PointwiseConvolution(new Shape(3, 2, 2))));
  }

  private static Parameter weight(ConstantJacobian layer) {
    return layer.parameters().getFirst();
  }

  /** Of log|det| in the weight, and log|det| behind it. */
  private static double[] gradient(ConstantJacobian layer, Parameters parameters) {
    try (Team team = new Team(1)) {
      Compute compute = Compute.of(parameters.precision(), BLAS);
      Gradients gradients = new Gradients(team.worker(0), compute, parameters.zeros());
      gradients.begin(1);
      gradients.sum();
      double logDet = layer.addLogDetGradient(1, parameters, BLAS, gradients);
      double[] sums = Numbers.flat(gradients.of(weight(layer)));
      double[] result = Arrays.copyOf(sums, sums.length + 1);
      result[sums.length] = logDet;
      return result;
    }
  }

  @ParameterizedTest
  @MethodSource("layersThatMayBeFrozen")
  void aFrozenWeightHasNone(ConstantJacobian layer) {
    Parameters parameters = Parameters.initial(layer.parametersByName(), Precision.FLOAT64, 1);
    double[] trained = gradient(layer, parameters);
    assertThat(Arrays.stream(trained).limit(trained.length - 1).anyMatch(g -> g != 0)).isTrue();
    double[] expected = new double[trained.length];
    expected[trained.length - 1] = trained[trained.length - 1];
    assertThat(gradient(layer, parameters.freezing(List.of(weight(layer)))))
        .containsExactly(expected);
  }

  @ParameterizedTest
  @MethodSource("layers")
  void aSingularWeightHasNone(ConstantJacobian layer) {
    Parameters parameters = Parameters.initial(layer.parametersByName(), Precision.FLOAT64, 1);
    parameters.of(weight(layer)).fill(0);
    parameters.changed();
    double[] found = gradient(layer, parameters);
    double[] expected = new double[found.length];
    expected[found.length - 1] = Double.NEGATIVE_INFINITY;
    assertThat(found).containsExactly(expected);
  }
}
