package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.golden.GoldenCase;
import org.ebflow.golden.GoldenFlows;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The objectives on the 2-D coupling flow against reference values, in the published 2-D scale. Its
 * ml has a Laplace base and is compared in the flow module.
 */
class CouplingGoldenTest {
  static Stream<Arguments> cases() {
    return Stream.of("elu", "swish")
        .flatMap(
            name ->
                Stream.of("sml", "ssm", "dsm", "fdssm")
                    .flatMap(
                        loss ->
                            Stream.of(Precision.values())
                                .map(precision -> Arguments.of(name, loss, precision))));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void lossAndGradientMatchTheReference(String name, String loss, Precision precision) {
    GoldenCase golden = GoldenCase.open("toy_" + name);
    Flow flow = GoldenFlows.coupling(golden, name).copy(precision);
    Objective objective =
        switch (loss) {
          case "sml" -> new SampledMaximumLikelihood(LossScale.PER_SAMPLE);
          case "ssm" -> new SlicedScoreMatching(1, false, 0, LossScale.PER_SAMPLE);
          case "dsm" -> new DenoisingScoreMatching(golden.hyper("std"), 0, LossScale.PER_SAMPLE);
          default ->
              new FiniteDifferenceScoreMatching(golden.hyper("eps_fd"), 0, LossScale.PER_SAMPLE);
        };
    // x of the files has the noise of dsm in it already
    Matrix data = golden.matrix(loss.equals("dsm") ? "data" : "x");
    GoldenTolerance tolerance = GoldenTolerance.of(precision, loss, golden.hyper("eps_fd"));
    try (ObjectiveRun run = new ObjectiveRun(flow, objective, data, "openblas", 1)) {
      run.bring(0, golden.matrix(loss.equals("sml") ? "sml_sample" : "noise_" + loss));
      double expected = golden.values("loss_" + loss)[0];
      double scale = Math.max(1, Math.abs(expected));
      assertThat(run.meanLossWithGradient()).isCloseTo(expected, within(tolerance.value() * scale));
      run.gradient()
          .byName()
          .forEach(
              (block, gradient) ->
                  tolerance.assertGradient(
                      block, gradient, GoldenFlows.couplingGradient(golden, loss, block), 1));
    }
  }
}
