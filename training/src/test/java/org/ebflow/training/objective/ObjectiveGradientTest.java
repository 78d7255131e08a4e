package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.linalg.Matrix;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every objective on every kind of flow: the gradient in every weight against fourth-order central
 * differences of the loss on the same draw.
 */
class ObjectiveGradientTest {
  private static final double LARGEST_ERROR = 1e-6;
  private static final double STEP = 1e-3;
  private static final double SMALL_BLOCK = 1e-3;
  private static final int BATCH = 3;

  @ParameterizedTest
  @MethodSource("org.ebflow.training.objective.ObjectivesUnderTest#gradientsWithSmoothFlows")
  void gradientMatchesFiniteDifferences(String flowName, String objectiveName) {
    Flow flow = FlowsUnderTest.named(flowName);
    Objective objective = ObjectivesUnderTest.all().get(objectiveName);
    try (ObjectiveRun run =
        new ObjectiveRun(flow, objective, FlowsUnderTest.data(flow, BATCH), "openblas", 1)) {
      run.draw(5, 17);
      assertThat(run.meanLossWithGradient()).isEqualTo(run.meanLoss());
      assertThat(run.nonFinite()).isZero();
      double largest =
          run.gradient().byName().values().stream()
              .mapToDouble(ObjectiveGradientTest::largest)
              .max()
              .orElseThrow();
      assertThat(largest).isPositive();
      List<String> trained =
          flow.parameters().names().stream()
              .filter(
                  name ->
                      flow.parameters()
                          .blocks()
                          .get(flow.parameters().names().indexOf(name))
                          .trained())
              .toList();
      flow.parameters()
          .byName()
          .forEach(
              (name, weights) -> {
                if (!trained.contains(name)) {
                  return; // such as the vectors of spectral normalisation: constants
                }
                Matrix gradient = run.gradient().byName().get(name);
                double scale = Math.max(largest(gradient), SMALL_BLOCK * largest);
                for (int r = 0; r < weights.rows(); r++) {
                  for (int c = 0; c < weights.columns(); c++) {
                    assertThat(
                            Math.abs(difference(run, weights, r, c) - gradient.get(r, c)) / scale)
                        .as(
                            "%s(%d,%d) of %s, gradient %s",
                            name, r, c, flow.layers(), gradient.get(r, c))
                        .isLessThanOrEqualTo(LARGEST_ERROR);
                  }
                }
              });
    }
  }

  private static double difference(ObjectiveRun run, Matrix weights, int r, int c) {
    double at = weights.get(r, c);
    double[] factors = {1, -8, 8, -1};
    double[] steps = {-2, -1, 1, 2};
    double sum = 0;
    for (int i = 0; i < steps.length; i++) {
      weights.set(r, c, at + steps[i] * STEP);
      sum += factors[i] * run.meanLoss();
    }
    weights.set(r, c, at);
    return sum / (12 * STEP);
  }

  private static double largest(Matrix matrix) {
    double largest = 0;
    for (double[] row : matrix.toRows()) {
      for (double value : row) {
        largest = Math.max(largest, Math.abs(value));
      }
    }
    return largest;
  }
}
