package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.golden.GoldenCase;
import org.ebflow.golden.GoldenGlow;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The objectives on a small Glow against reference values. */
class GlowGoldenTest {
  static Stream<Arguments> cases() {
    return Stream.of("ml", "ssm", "dsm", "fdssm")
        .flatMap(
            loss ->
                Stream.of(Precision.values())
                    .flatMap(
                        precision ->
                            Stream.of(1, 2)
                                .map(workers -> Arguments.of(loss, precision, workers))));
  }

  /** The reference counts ActNorm into the energy, which some losses weigh. */
  private static double energyWeight(GoldenCase golden, String loss) {
    double lambda = golden.loss(loss, "lambda");
    return switch (loss) {
      case "ml" -> 0;
      case "fdssm" -> lambda / Math.pow(golden.loss(loss, "eps"), 2);
      default -> lambda / golden.dataShape(0);
    };
  }

  @ParameterizedTest
  @MethodSource("cases")
  void lossAndGradientMatchTheReference(String loss, Precision precision, int workers) {
    GoldenGlow glow = GoldenGlow.open();
    GoldenCase golden = glow.golden();
    Flow flow = glow.flow().copy(precision);
    GoldenTolerance tolerance = GoldenTolerance.of(precision, loss, golden.loss(loss, "eps"));
    double weight = energyWeight(golden, loss);
    double[] constant = {0};
    Matrix x = glow.rows("x");
    try (ObjectiveRun run =
        new ObjectiveRun(
            flow, FullyConnectedGoldenTest.objective(golden, loss), x, "openblas", workers)) {
      if (!loss.equals("ml")) {
        run.bring(0, glow.rows("noise_" + loss));
      }
      double found = run.meanLossWithGradient();
      run.gradient()
          .byName()
          .forEach(
              (name, gradient) -> {
                double perScale = weight * glow.actNormPixels(name);
                double[] reference = glow.weight("grad_" + loss, name);
                Matrix logScale = flow.parameters().byName().get(name);
                for (int c = 0; perScale > 0 && c < reference.length; c++) {
                  reference[c] -= perScale;
                  constant[0] += perScale * logScale.get(0, c);
                }
                tolerance.assertGradient(name, gradient, reference, 1);
              });
      double expected = golden.values("loss_" + loss)[0] - constant[0];
      assertThat(constant[0] == 0).isEqualTo(loss.equals("ml"));
      assertThat(found).isCloseTo(expected, within(tolerance.value() * Math.abs(expected)));
    }
  }
}
