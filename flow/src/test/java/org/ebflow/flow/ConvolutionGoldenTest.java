package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.Shape;
import org.ebflow.golden.GoldenCase;
import org.ebflow.golden.GoldenFlows;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Convolutions against reference values. */
class ConvolutionGoldenTest {
  private static final Blas BLAS = Blas.named("openblas");

  private static double tolerance(Precision precision) {
    return precision == Precision.FLOAT64 ? 1e-9 : 1e-4;
  }

  private static Shape image(GoldenCase golden) {
    return new Shape(
        golden.hyper().path("shape").path(0).asInt(),
        golden.hyper().path("shape").path(1).asInt(),
        golden.hyper().path("shape").path(2).asInt());
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void valuesInverseAndLogDeterminantMatchTheReference(Precision precision) {
    GoldenCase golden = GoldenCase.open("convdet");
    Shape image = image(golden);
    int side = (int) golden.hyper("kernel");
    int[] channels = GoldenFlows.identity(image.channels());
    Convolution layer = new Convolution(image, side);
    Flow flow = Flow.of(image).precision(Precision.FLOAT64).layer(layer).build();
    Matrix weight = flow.parameters().of(layer.weight());
    weight.copyFrom(
        Matrix.of(
            GoldenFlows.kernel(golden.values("weight"), channels, side),
            weight.rows(),
            weight.columns()));
    flow.parameters().of(layer.bias()).copyFrom(golden.matrix("bias"));
    flow.parameters().changed();
    Flow narrow = flow.copy(precision);
    double tolerance = tolerance(precision);

    Matrix x = GoldenFlows.channelsLast(golden.matrix("x"), channels).copy(precision);
    Matrix y = GoldenFlows.channelsLast(golden.matrix("y"), channels);
    assertClose(flat(narrow.forward(x, BLAS)), flat(y), tolerance);
    assertClose(flat(narrow.inverse(y.copy(precision), BLAS)), flat(x), tolerance);
    double logDet = golden.scalar("logabsdet");
    assertThat(-narrow.logZ(BLAS)).isCloseTo(logDet, within(tolerance));
    // A⁻¹v is the inverse of v + b
    Matrix v = GoldenFlows.channelsLast(golden.matrix("v"), channels);
    Matrix shifted = v.copy(Precision.FLOAT64);
    for (int i = 0; i < v.columns(); i++) {
      shifted.set(0, i, v.get(0, i) + golden.values("bias")[i % channels.length]);
    }
    assertClose(
        flat(narrow.inverse(shifted.copy(precision), BLAS)),
        flat(GoldenFlows.channelsLast(golden.matrix("inv_v"), channels)),
        tolerance);
    try (LayerRun run =
        new LayerRun(layer, flow.parameters(), precision, x, x.rows(), "openblas", 1)) {
      double found = layer.addLogDetGradient(1, run.parameters, BLAS, run.gradients());
      assertThat(found).isCloseTo(logDet, within(tolerance));
      assertClose(
          flat(run.sums.of(layer.weight())),
          GoldenFlows.kernel(golden.values("grad_logabsdet.weight"), channels, side),
          tolerance);
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void densitiesScoresAndLatentsMatchTheReference(Precision precision) {
    GoldenCase golden = GoldenCase.open("cnn8");
    Flow flow = GoldenFlows.convolutional(golden).copy(precision);
    int[] channels = GoldenFlows.identity(golden.dataShape(0));
    int[] squeezed = GoldenFlows.squeezedChannels(golden.dataShape(0));
    Matrix x = GoldenFlows.channelsLast(golden.matrix("x"), channels);
    Matrix z = GoldenFlows.channelsLast(golden.matrix("z"), squeezed);
    Matrix narrow = x.copy(precision);
    double tolerance = tolerance(precision);

    assertClose(flow.unnormalisedLogDensity(narrow, BLAS), golden.values("negE"), tolerance);
    assertClose(flow.logProb(narrow, BLAS), golden.values("logp"), tolerance);
    assertClose(
        flat(flow.score(narrow, BLAS)),
        flat(GoldenFlows.channelsLast(golden.matrix("score"), channels)),
        tolerance);
    assertClose(flat(flow.forward(narrow, BLAS)), flat(z), tolerance);
    assertClose(
        flow.constantParts().stream()
            .filter(Convolution.class::isInstance)
            .mapToDouble(layer -> layer.logAbsDeterminant(flow.parameters(), BLAS))
            .toArray(),
        golden.values("logabsdet_linear"),
        tolerance);
    assertClose(flat(flow.inverse(z.copy(precision), BLAS)), flat(x), 10 * tolerance);
    assertClose(
        flat(
            flow.inverse(
                GoldenFlows.channelsLast(golden.matrix("sml_z"), squeezed).copy(precision), BLAS)),
        flat(GoldenFlows.channelsLast(golden.matrix("sml_sample"), channels)),
        tolerance);
  }
}
