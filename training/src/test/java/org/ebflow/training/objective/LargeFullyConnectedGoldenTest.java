package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.golden.GoldenCase;
import org.ebflow.golden.GoldenFlows;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The objectives on a fully connected flow of 784 dimensions and images against reference values:
 * projections, rows and norms of the two large gradients.
 */
class LargeFullyConnectedGoldenTest {
  private static final int[] ROWS = {0, 1, 100, 783};

  static Stream<Arguments> cases() {
    return Stream.of("ml", "ssm", "dsm", "fdssm")
        .flatMap(
            loss -> Stream.of(Precision.values()).map(precision -> Arguments.of(loss, precision)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void lossAndGradientMatchTheReference(String loss, Precision precision) {
    GoldenCase golden = GoldenCase.open("fc784");
    Flow flow = GoldenFlows.fullyConnected(golden).copy(precision);
    GoldenTolerance tolerance = GoldenTolerance.of(precision, loss, golden.loss(loss, "eps"));
    try (ObjectiveRun run =
        new ObjectiveRun(
            flow,
            FullyConnectedGoldenTest.objective(golden, loss),
            golden.matrix("x"),
            "openblas",
            2)) {
      FullyConnectedGoldenTest.bringDraws(run, golden, loss);
      double expected = golden.values("loss_" + loss)[0];
      assertThat(run.meanLossWithGradient())
          .isCloseTo(expected, within(tolerance.value() * Math.abs(expected)));
      run.gradient()
          .byName()
          .forEach(
              (block, gradient) -> {
                String name = loss + "." + GoldenFlows.fullyConnectedName(block);
                if (gradient.rows() == 1) {
                  tolerance.assertGradient(block, gradient, golden.values("grad_" + name), 1);
                } else {
                  assertWeightGradient(golden, name, gradient.copy(Precision.FLOAT64), tolerance);
                }
              });
    }
  }

  private static void assertWeightGradient(
      GoldenCase golden, String name, Matrix gradient, GoldenTolerance tolerance) {
    tolerance.assertGradient(
        name + " times R",
        product(gradient, golden.matrix("proj_R")),
        golden.values("gradR_" + name),
        1);
    tolerance.assertGradient(
        "L times " + name,
        product(golden.matrix("proj_L"), gradient),
        golden.values("gradL_" + name),
        1);
    double[][] rows =
        IntStream.of(ROWS)
            .mapToObj(r -> gradient.rows(r, r + 1).toRows()[0])
            .toArray(double[][]::new);
    tolerance.assertGradient(
        name + " rows",
        Matrix.ofRows(Precision.FLOAT64, rows),
        golden.values("gradrows_" + name),
        1);
    double[] all = Arrays.stream(gradient.toRows()).flatMapToDouble(Arrays::stream).toArray();
    double[] norms = golden.values("gradnorm_" + name);
    double frobenius = Math.sqrt(Arrays.stream(all).map(value -> value * value).sum());
    double largest = Arrays.stream(all).map(Math::abs).max().orElseThrow();
    double trace = IntStream.range(0, gradient.rows()).mapToDouble(i -> gradient.get(i, i)).sum();
    assertThat(frobenius).isCloseTo(norms[0], within(tolerance.gradient() * norms[0]));
    assertThat(largest).isCloseTo(norms[1], within(tolerance.gradient() * norms[1]));
    assertThat(trace).isCloseTo(norms[2], within(tolerance.gradient() * norms[0]));
  }

  private static Matrix product(Matrix a, Matrix b) {
    Matrix c = Matrix.allocate(Precision.FLOAT64, a.rows(), b.columns());
    Blas.named("openblas").multiply(false, a, false, b, 1, 0, c);
    return c;
  }
}
