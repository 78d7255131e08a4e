package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.ebflow.flow.Flow;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The same draws, losses and gradients for any number of workers and with any backend. */
class ObjectiveTeamTest {
  private static final int BATCH = 5;

  @ParameterizedTest
  @MethodSource("org.ebflow.training.objective.ObjectivesUnderTest#withFlows")
  void teamsAndBackendsAgree(String flowName, String objectiveName) {
    for (Precision precision : Precision.values()) {
      Flow flow = FlowsUnderTest.named(flowName).copy(precision);
      // fdssm in float32 subtracts energies of nearly equal size
      double tolerance =
          precision == Precision.FLOAT64 ? 1e-10 : objectiveName.startsWith("fdssm") ? 1e-3 : 1e-4;
      Objective objective = ObjectivesUnderTest.all().get(objectiveName);
      Matrix data = FlowsUnderTest.data(flow, BATCH);
      try (ObjectiveRun alone = new ObjectiveRun(flow, objective, data, "openblas", 1).draw(5, 17);
          ObjectiveRun team = new ObjectiveRun(flow, objective, data, "openblas", 3).draw(5, 17);
          ObjectiveRun java = new ObjectiveRun(flow, objective, data, "java", 1).draw(5, 17)) {
        double loss = alone.meanLossWithGradient();
        double[] gradient = alone.flatGradient();
        for (ObjectiveRun other : new ObjectiveRun[] {team, java}) {
          for (int draw = 0; draw < ObjectivesUnderTest.draws(objective); draw++) {
            assertDraws(
                other.drawn(draw),
                alone.drawn(draw),
                objective instanceof SampledMaximumLikelihood ? tolerance : 0);
          }
          assertThat(other.meanLossWithGradient())
              .isCloseTo(loss, within(tolerance * Math.max(1, Math.abs(loss))));
          assertClose(other.flatGradient(), gradient, tolerance);
        }
      }
    }
  }

  /** Large enough for products that the workers share; more workers than cores, or than rows. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 8, 64})
  void oversubscribedTeamsAgreeWithOneWorker(int workers) {
    Flow flow = FlowsUnderTest.fullyConnected(150, false);
    Objective objective = new SlicedScoreMatching();
    Matrix data = FlowsUnderTest.data(flow, 50);
    try (ObjectiveRun alone = new ObjectiveRun(flow, objective, data, "openblas", 1).draw(5, 17);
        ObjectiveRun team =
            new ObjectiveRun(flow, objective, data, "openblas", workers).draw(5, 17)) {
      double loss = alone.meanLossWithGradient();
      assertThat(team.meanLossWithGradient()).isCloseTo(loss, within(1e-10 * Math.abs(loss)));
      assertClose(team.flatGradient(), alone.flatGradient(), 1e-10);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void denoisingDrawsOppositeNoiseForTheRowsOfAPair(int workers) {
    Flow flow = FlowsUnderTest.fullyConnected(6, false);
    Objective objective = new DenoisingScoreMatching(0.5, 0, LossScale.PER_DIMENSION);
    Matrix data = FlowsUnderTest.data(flow, BATCH);
    try (ObjectiveRun run =
        new ObjectiveRun(flow, objective, data, "openblas", workers).draw(5, 17)) {
      double[][] epsilon = run.drawn(0);
      for (int pair = 0; pair + 1 < BATCH; pair += 2) {
        double[] opposite = Arrays.stream(epsilon[pair + 1]).map(e -> -e).toArray();
        assertThat(epsilon[pair]).containsExactly(opposite);
      }
      assertThat(epsilon[2][0]).isNotEqualTo(epsilon[0][0]);
    }
  }

  private static void assertDraws(double[][] found, double[][] expected, double tolerance) {
    for (int r = 0; r < BATCH; r++) {
      assertThat(found[r]).containsExactly(expected[r], within(tolerance));
    }
  }

  private static void assertClose(double[] found, double[] expected, double tolerance) {
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i]).isCloseTo(expected[i], within(tolerance * largest));
    }
  }
}
