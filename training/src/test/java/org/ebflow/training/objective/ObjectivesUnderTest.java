package org.ebflow.training.objective;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/** Every objective in every form, for the tests that all of them must pass. */
final class ObjectivesUnderTest {
  private ObjectivesUnderTest() {}

  static Map<String, Objective> all() {
    Map<String, Objective> objectives = new LinkedHashMap<>();
    objectives.put("ml", new MaximumLikelihood());
    for (LossScale scale : LossScale.values()) {
      objectives.put("sml " + scale, new SampledMaximumLikelihood(scale));
      objectives.put("ssm " + scale, new SlicedScoreMatching(1, false, 0, scale));
      objectives.put(
          "ssm of 3 slices with energy " + scale, new SlicedScoreMatching(3, false, .3, scale));
      objectives.put("plain ssm " + scale, new SlicedScoreMatching(1, true, 0, scale));
      objectives.put(
          "plain ssm of 3 slices with energy " + scale,
          new SlicedScoreMatching(3, true, .3, scale));
      objectives.put("dsm " + scale, new DenoisingScoreMatching(.1, 0, scale));
      objectives.put("dsm with energy " + scale, new DenoisingScoreMatching(.1, .3, scale));
      objectives.put("fdssm " + scale, new FiniteDifferenceScoreMatching(.2, 0, scale));
      objectives.put(
          "fdssm with energy " + scale, new FiniteDifferenceScoreMatching(.2, .3, scale));
    }
    return objectives;
  }

  static Stream<Arguments> withFlows() {
    return FlowsUnderTest.all().keySet().stream()
        .flatMap(flow -> all().keySet().stream().map(objective -> Arguments.of(flow, objective)));
  }

  /** How many draws an evaluation uses. */
  static int draws(Objective objective) {
    return switch (objective) {
      case MaximumLikelihood ml -> 0;
      case SlicedScoreMatching ssm -> ssm.slices();
      default -> 1;
    };
  }
}
