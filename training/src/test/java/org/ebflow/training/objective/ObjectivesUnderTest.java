package org.ebflow.training.objective;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.junit.jupiter.params.provider.Arguments;

/** Every objective in every form, for the tests that all of them must pass. */
final class ObjectivesUnderTest {
  private ObjectivesUnderTest() {}

  static Map<String, Objective> all() {
    Map<String, Objective> objectives = new LinkedHashMap<>();
    objectives.put("ml", new MaximumLikelihood());
    objectives.put("rg", new RelativeGradient());
    objectives.put("snf", new SelfNormalizing(.5));
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

  /**
   * Those that follow the gradient of their loss, with flows that have no kinks. Difference
   * quotients across the kinks of Glow's leaky ReLUs say nothing; GlowGoldenTest and
   * RecipeGradientTest check its gradients.
   */
  static Stream<Arguments> gradientsWithSmoothFlows() {
    return withFlows((flow, objective) -> objective.followsGradient())
        .filter(arguments -> !((String) arguments.get()[0]).startsWith("glow"));
  }

  /** The others need a dense layer. */
  static Stream<Arguments> withFlows() {
    return withFlows(
        (flow, objective) ->
            objective.followsGradient()
                || flow.constantParts().stream().anyMatch(part -> part.affineMap() != null));
  }

  private static Stream<Arguments> withFlows(BiPredicate<Flow, Objective> wanted) {
    Map<String, Objective> objectives = all();
    return FlowsUnderTest.all().entrySet().stream()
        .flatMap(
            flow ->
                objectives.keySet().stream()
                    .filter(name -> wanted.test(flow.getValue(), objectives.get(name)))
                    .map(name -> Arguments.of(flow.getKey(), name)));
  }

  /** How many draws an evaluation uses. */
  static int draws(Objective objective) {
    return switch (objective) {
      case MaximumLikelihood ml -> 0;
      case RelativeGradient rg -> 0;
      case SelfNormalizing snf -> 0;
      case SlicedScoreMatching ssm -> ssm.slices();
      default -> 1;
    };
  }
}
