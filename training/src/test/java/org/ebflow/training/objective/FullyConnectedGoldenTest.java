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

/** The objectives on a small fully connected flow against reference values. */
class FullyConnectedGoldenTest {
  static Stream<Arguments> cases() {
    return Stream.of("fc6_res0", "fc6_res1")
        .flatMap(
            name ->
                Stream.of("ml", "sml", "ssm", "dsm", "fdssm", "ssm_slices2")
                    .flatMap(
                        loss ->
                            Stream.of(Precision.values())
                                .map(precision -> Arguments.of(name, loss, precision))));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void lossAndGradientMatchTheReference(String name, String loss, Precision precision) {
    GoldenCase golden = GoldenCase.open(name);
    Flow flow = GoldenFlows.fullyConnected(golden);
    Matrix x = golden.matrix("x");
    try (ObjectiveRun run =
        new ObjectiveRun(flow.copy(precision), objective(golden, loss), x, "openblas", 1)) {
      bringDraws(run, golden, loss);
      // The reference divides by the number of slices once too often.
      double slices = golden.loss(loss, "slices");
      GoldenTolerance tolerance = GoldenTolerance.of(precision, loss, golden.loss(loss, "eps"));
      double expected = slices * golden.values("loss_" + loss)[0];
      assertThat(run.meanLossWithGradient())
          .isCloseTo(expected, within(tolerance.value() * Math.abs(expected)));
      run.gradient()
          .byName()
          .forEach(
              (block, gradient) ->
                  tolerance.assertGradient(
                      block,
                      gradient,
                      golden.values("grad_" + loss + "." + GoldenFlows.fullyConnectedName(block)),
                      slices));
    }
  }

  static void bringDraws(ObjectiveRun run, GoldenCase golden, String loss) {
    switch (loss) {
      case "ml" -> {}
      case "sml" -> run.bring(0, golden.matrix("sml_sample"));
      default -> {
        int batch = golden.matrix("x").rows();
        Matrix noise = golden.matrix("noise_" + loss);
        for (int slice = 0; slice * batch < noise.rows(); slice++) {
          run.bring(slice, noise.rows(slice * batch, (slice + 1) * batch));
        }
      }
    }
  }

  static Objective objective(GoldenCase golden, String loss) {
    double energyWeight = golden.loss(loss, "lambda");
    double perPixel = energyWeight / golden.dataShape(0);
    return switch (loss) {
      case "ml" -> new MaximumLikelihood();
      case "sml" -> new SampledMaximumLikelihood(LossScale.PER_DIMENSION);
      case "dsm" ->
          new DenoisingScoreMatching(golden.loss(loss, "std"), perPixel, LossScale.PER_DIMENSION);
      case "fdssm" ->
          new FiniteDifferenceScoreMatching(
              golden.loss(loss, "eps"), energyWeight, LossScale.PER_DIMENSION);
      default ->
          new SlicedScoreMatching(
              (int) golden.loss(loss, "slices"), false, perPixel, LossScale.PER_DIMENSION);
    };
  }
}
