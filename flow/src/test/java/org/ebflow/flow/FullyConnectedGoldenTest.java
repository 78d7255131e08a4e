package org.ebflow.flow;

import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.stream.Stream;
import org.ebflow.golden.GoldenCase;
import org.ebflow.golden.GoldenFlows;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Fully connected flows against reference values. */
class FullyConnectedGoldenTest {
  private static final Blas BLAS = Blas.named("openblas");

  static Stream<Arguments> cases() {
    return Stream.of("fc6_res0", "fc6_res1", "fc784")
        .flatMap(
            name -> Stream.of(Precision.values()).map(precision -> Arguments.of(name, precision)));
  }

  private static double tolerance(Precision precision) {
    return precision == Precision.FLOAT64 ? 1e-9 : 1e-4;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void densitiesScoresAndLatentsMatchTheReference(String name, Precision precision) {
    GoldenCase golden = GoldenCase.open(name);
    Flow flow = GoldenFlows.fullyConnected(golden).copy(precision);
    Matrix x = golden.matrix("x").copy(precision);
    double tolerance = tolerance(precision);
    assertClose(flow.unnormalisedLogDensity(x, BLAS), golden.values("negE"), tolerance);
    assertClose(flow.logProb(x, BLAS), golden.values("logp"), tolerance);
    assertClose(flat(flow.score(x, BLAS)), golden.values("score"), tolerance);
    assertClose(flat(flow.forward(x, BLAS)), golden.values("z"), tolerance);
    double[] logDets = golden.values("logabsdet_linear");
    assertClose(
        flow.constantParts().stream()
            .mapToDouble(l -> l.logAbsDeterminant(flow.parameters(), BLAS))
            .toArray(),
        logDets,
        tolerance);
    assertClose(
        flat(flow.inverse(golden.matrix("z").copy(precision), BLAS)),
        golden.values("x"),
        10 * tolerance);
    if (golden.has("sml_z")) {
      assertClose(
          flat(flow.inverse(golden.matrix("sml_z").copy(precision), BLAS)),
          golden.values("sml_sample"),
          tolerance);
    }
  }
}
