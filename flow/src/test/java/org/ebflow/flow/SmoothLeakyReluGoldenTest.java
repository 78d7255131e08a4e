package org.ebflow.flow;

import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;
import static org.ebflow.flow.Numbers.stack;

import java.util.stream.Stream;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.golden.GoldenCase;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Values, derivatives and the inverse of the activation against reference values on many points.
 */
class SmoothLeakyReluGoldenTest {
  static Stream<Arguments> cases() {
    return Stream.of(.3, .6)
        .flatMap(
            alpha ->
                Stream.of(false, true)
                    .flatMap(
                        residual ->
                            Stream.of(Precision.values())
                                .map(precision -> Arguments.of(alpha, residual, precision))));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void matchesTheReference(double alpha, boolean residual, Precision precision) {
    GoldenCase golden = GoldenCase.open("newton");
    String name = "." + ("a" + alpha).replace('.', 'p') + "_res" + (residual ? 1 : 0);
    Matrix points = golden.matrix("y").reshape(golden.values("y").length, 1);
    Matrix ones = Matrix.allocate(Precision.FLOAT64, points.rows(), 1);
    ones.fill(1);
    Layer layer = new SmoothLeakyRelu(alpha, residual);
    double tolerance = precision == Precision.FLOAT64 ? 1e-12 : 1e-6;
    Parameters none = Parameters.initial(layer.parametersByName(), precision, 0);
    try (LayerRun run =
        new LayerRun(layer, none, precision, stack(points, ones), points.rows(), "openblas", 1)) {
      run.forward();
      assertClose(flat(run.y.rows(0, points.rows())), golden.values("act" + name), tolerance);
      assertClose(
          flat(run.y.rows(points.rows(), 2 * points.rows())),
          golden.values("dact" + name),
          tolerance);
      assertClose(run.logDet().toRows()[0], golden.values("logdact" + name), tolerance);
      run.y.rows(0, points.rows()).copyFrom(points);
      assertClose(flat(run.inverse()), golden.values("inv" + name), tolerance);
    }
  }
}
