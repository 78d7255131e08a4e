package org.ebflow.flow;

import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.golden.GoldenCase;
import org.ebflow.golden.GoldenFlows;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The 2-D coupling flow against reference values. */
class CouplingGoldenTest {
  private static final Blas BLAS = Blas.named("openblas");
  private static final double VALUE = 1e-9;
  private static final double GRADIENT = 1e-7;

  /** What the reference adds to |det W| inside the logarithm. */
  private static final double DETERMINANT_FLOOR = 1e-8;

  /** What the reference adds to |scale| inside the logarithm. */
  private static final double SCALE_FLOOR = 1e-6;

  static Stream<Arguments> cases() {
    return Stream.of("elu", "swish")
        .flatMap(
            name -> Stream.of(Precision.values()).map(precision -> Arguments.of(name, precision)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void densitiesScoresAndLatentsMatchTheReference(String name, Precision precision) {
    GoldenCase golden = GoldenCase.open("toy_" + name);
    Flow flow = GoldenFlows.coupling(golden, name).copy(precision);
    Matrix x = golden.matrix("x").copy(precision);
    double tolerance = precision == Precision.FLOAT64 ? VALUE : 1e-4;
    assertClose(flow.unnormalisedLogDensity(x, BLAS), golden.values("negE"), tolerance);
    // the reference adds its floors inside the logarithms
    assertClose(flow.logProb(x, BLAS), golden.values("negE_dep"), Math.max(tolerance, 1e-5));
    assertClose(flat(flow.score(x, BLAS)), golden.values("score"), tolerance);
    assertClose(flat(flow.forward(x, BLAS)), golden.values("z"), tolerance);
    assertClose(
        flat(flow.inverse(golden.matrix("z").copy(precision), BLAS)),
        golden.values("inv_x"),
        tolerance);
    assertClose(
        flat(flow.inverse(golden.matrix("sml_z").copy(precision), BLAS)),
        golden.values("sml_sample"),
        tolerance);
  }

  /**
   * The reference's ml has a Laplace base: its cotangent at z is sign z, the rest is the layers'.
   */
  @ParameterizedTest
  @ValueSource(strings = {"elu", "swish"})
  void laplaceLikelihoodAndItsGradientMatchTheReference(String name) {
    GoldenCase golden = GoldenCase.open("toy_" + name);
    Flow flow = GoldenFlows.coupling(golden, name);
    Matrix x = golden.matrix("x");
    int batch = x.rows();
    List<LayerRun> runs = new ArrayList<>();
    double[] logProb = new double[batch];
    Matrix y = x;
    for (Layer layer : flow.layers()) {
      LayerRun run =
          new LayerRun(layer, flow.parameters(), Precision.FLOAT64, y, batch, "openblas", 1);
      runs.add(run.forward());
      double[] logDet = run.logDet().toRows()[0];
      double constant =
          layer instanceof ConstantJacobian linear ? flooredLogDet(linear, run.parameters) : 0;
      Arrays.setAll(logProb, r -> logProb[r] + logDet[r] + constant);
      y = run.y;
    }
    Matrix yBar = y.copy(Precision.FLOAT64);
    for (int r = 0; r < batch; r++) {
      for (int c = 0; c < y.columns(); c++) {
        logProb[r] -= Math.abs(y.get(r, c)) + Math.log(2);
        yBar.set(r, c, Math.signum(y.get(r, c)) / batch);
      }
    }
    assertClose(logProb, golden.values("logp_laplace"), VALUE);
    assertClose(
        new double[] {-Arrays.stream(logProb).average().orElseThrow()},
        golden.values("loss_ml"),
        VALUE);
    Matrix logDetBar = Matrix.allocate(Precision.FLOAT64, 1, batch);
    logDetBar.fill(-1.0 / batch);
    for (int i = runs.size() - 1; i >= 0; i--) {
      LayerRun run = runs.get(i).backward(yBar, logDetBar, 0, true, 1);
      if (run.layer instanceof ConstantJacobian linear) {
        addFlooredLogDetGradient(linear, run);
      }
      for (Map.Entry<String, Parameter> block : run.layer.parametersByName().entrySet()) {
        double[] expected = GoldenFlows.couplingGradient(golden, "ml", i + "." + block.getKey());
        assertClose(flat(run.sums.of(block.getValue())), expected, GRADIENT);
      }
      yBar = run.xBar.copy(Precision.FLOAT64);
      run.close();
    }
  }

  private static double flooredLogDet(ConstantJacobian layer, Parameters parameters) {
    double logDet = layer.logAbsDeterminant(parameters, BLAS);
    if (layer instanceof Dense) {
      return Math.log(Math.exp(logDet) + DETERMINANT_FLOOR);
    }
    return Arrays.stream(flat(parameters.of(logScale(layer))))
        .map(s -> Math.log(Math.exp(-s) + SCALE_FLOOR))
        .sum();
  }

  /** d log(|det| + floor) / d log|det| = |det| / (|det| + floor). */
  private static void addFlooredLogDetGradient(ConstantJacobian layer, LayerRun run) {
    if (layer instanceof Dense) {
      double determinant = Math.exp(layer.logAbsDeterminant(run.parameters, BLAS));
      layer.addLogDetGradient(
          -determinant / (determinant + DETERMINANT_FLOOR), run.parameters, BLAS, run.gradients());
      return;
    }
    layer.addLogDetGradient(-1, run.parameters, BLAS, run.gradients());
    Matrix logScaleBar = run.sums.of(logScale(run.layer));
    for (int c = 0; c < logScaleBar.columns(); c++) {
      double scale = Math.exp(-run.parameters.of(logScale(run.layer)).get(0, c));
      logScaleBar.set(0, c, logScaleBar.get(0, c) - SCALE_FLOOR / (scale + SCALE_FLOOR));
    }
  }

  private static Parameter logScale(Layer layer) {
    return ((ActNorm) layer).parameters().get(1);
  }
}
