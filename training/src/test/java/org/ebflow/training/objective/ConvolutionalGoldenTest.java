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

/** The objectives on a small convolutional flow against reference values. */
class ConvolutionalGoldenTest {
  static Stream<Arguments> cases() {
    return Stream.of("ml", "sml", "ssm", "dsm", "fdssm")
        .flatMap(
            loss -> Stream.of(Precision.values()).map(precision -> Arguments.of(loss, precision)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void lossAndGradientMatchTheReference(String loss, Precision precision) {
    GoldenCase golden = GoldenCase.open("cnn8");
    Flow flow = GoldenFlows.convolutional(golden);
    int[] channels = GoldenFlows.identity(golden.dataShape(0));
    Matrix x = GoldenFlows.channelsLast(golden.matrix("x"), channels);
    Objective objective = FullyConnectedGoldenTest.objective(golden, loss);
    try (ObjectiveRun run = new ObjectiveRun(flow.copy(precision), objective, x, "openblas", 1)) {
      String draw = loss.equals("sml") ? "sml_sample" : "noise_" + loss;
      if (golden.has(draw)) {
        run.bring(0, GoldenFlows.channelsLast(golden.matrix(draw), channels));
      }
      GoldenTolerance tolerance = GoldenTolerance.of(precision, loss, golden.loss(loss, "eps"));
      double expected = golden.values("loss_" + loss)[0];
      assertThat(run.meanLossWithGradient())
          .isCloseTo(expected, within(tolerance.value() * Math.abs(expected)));
      run.gradient()
          .byName()
          .forEach(
              (block, gradient) ->
                  tolerance.assertGradient(
                      block,
                      gradient,
                      GoldenFlows.convolutionalValues(golden, "grad_" + loss + ".", block),
                      1));
    }
  }
}
