package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.ebflow.flow.Flow;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A row whose loss is not finite: its loss is zero, and the gradient is that of the other rows,
 * still divided by the size of the whole batch.
 */
class NonFiniteRowTest {
  private static final double ROUNDING = 1e-11;
  private static final int BATCH = 4;
  private static final int BROKEN = 2;

  private static final long STEP = 17;

  /** A value, and how many workers meet it; the last one is finite but overflows on the way. */
  private enum Bad {
    NAN(Double.NaN, 2),
    INFINITE(Double.POSITIVE_INFINITY, 1),
    LARGE(1e200, 2);

    final double value;
    final int workers;

    Bad(double value, int workers) {
      this.value = value;
      this.workers = workers;
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.training.objective.ObjectivesUnderTest#withFlows")
  void brokenRowCountsAsNothing(String flowName, String objectiveName) {
    Flow flow = FlowsUnderTest.named(flowName);
    Objective objective = ObjectivesUnderTest.all().get(objectiveName);
    Matrix whole = FlowsUnderTest.data(flow, BATCH);
    try (ObjectiveRun all = new ObjectiveRun(flow, objective, whole, "openblas", 1);
        ObjectiveRun others = new ObjectiveRun(flow, objective, without(whole), "openblas", 1)) {
      all.draw(5, STEP);
      for (int draw = 0; draw < ObjectivesUnderTest.draws(objective); draw++) {
        others.bring(draw, without(Matrix.ofRows(Precision.FLOAT64, all.drawn(draw))));
      }
      double loss = others.meanLossWithGradient() * (BATCH - 1) / BATCH;
      assertThat(others.nonFinite()).isZero();
      for (Bad bad : Bad.values()) {
        Matrix data = whole.copy(Precision.FLOAT64);
        data.set(BROKEN, 0, bad.value);
        try (ObjectiveRun broken =
            new ObjectiveRun(flow, objective, data, "openblas", bad.workers)) {
          broken.draw(5, STEP);
          for (int evaluation = 0; evaluation < 2; evaluation++) {
            assertThat(broken.meanLossWithGradient())
                .as("%s, evaluation %d", bad, evaluation)
                .isCloseTo(loss, within(ROUNDING * Math.max(1, Math.abs(loss))));
            assertThat(broken.nonFinite()).isEqualTo(1);
            assertThat(broken.losses()[BROKEN]).isZero();
            assertScaled(
                broken.flatGradient(), others.flatGradient(), (double) (BATCH - 1) / BATCH);
          }
        }
      }
    }
  }

  private static Matrix without(Matrix data) {
    double[][] rows = data.toRows();
    double[][] kept = new double[rows.length - 1][];
    System.arraycopy(rows, 0, kept, 0, BROKEN);
    System.arraycopy(rows, BROKEN + 1, kept, BROKEN, kept.length - BROKEN);
    return Matrix.ofRows(Precision.FLOAT64, kept);
  }

  private static void assertScaled(double[] found, double[] reference, double factor) {
    double largest = Arrays.stream(reference).map(Math::abs).max().orElseThrow();
    assertThat(largest).isPositive();
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i]).isCloseTo(factor * reference[i], within(ROUNDING * largest));
    }
  }
}
