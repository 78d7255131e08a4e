package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.Arrays;
import java.util.Map;
import org.ebflow.flow.layer.PointwiseConvolution;
import org.ebflow.golden.GoldenGlow;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A small Glow against reference values. */
class GlowGoldenTest {
  private static final Blas BLAS = Blas.named("openblas");

  private static double tolerance(Precision precision) {
    return precision == Precision.FLOAT64 ? 1e-9 : 1e-4;
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void densitiesScoresAndLatentsMatchTheReference(Precision precision) {
    GoldenGlow golden = GoldenGlow.open();
    Flow flow = golden.flow().copy(precision);
    Matrix x = golden.rows("x").copy(precision);
    double tolerance = tolerance(precision);
    // the reference counts ActNorm into the energy
    double actNorms = 0;
    for (Map.Entry<String, Matrix> block : flow.parameters().byName().entrySet()) {
      actNorms +=
          golden.actNormPixels(block.getKey()) * Arrays.stream(flat(block.getValue())).sum();
    }
    assertThat(actNorms).isNotZero();
    double constant = actNorms;
    assertClose(
        Arrays.stream(flow.unnormalisedLogDensity(x, BLAS)).map(l -> l - constant).toArray(),
        golden.golden().values("negE"),
        tolerance);
    assertClose(flow.logProb(x, BLAS), golden.golden().values("logp"), tolerance);
    assertClose(flat(flow.score(x, BLAS)), flat(golden.rows("score")), tolerance);
    Matrix last = golden.lastLatents("z");
    assertClose(flat(flow.forward(x, BLAS).columns(0, last.columns())), flat(last), tolerance);
    assertClose(
        flow.constantParts().stream()
            .filter(PointwiseConvolution.class::isInstance)
            .mapToDouble(part -> part.logAbsDeterminant(flow.parameters(), BLAS))
            .toArray(),
        golden.golden().values("logabsdet_linear"),
        tolerance);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void inverseImagesMatchTheReference(Precision precision) {
    GoldenGlow golden = GoldenGlow.open();
    Flow flow = golden.flow().copy(precision);
    Matrix z = golden.latents("inv_z", "inv_z2").copy(precision);
    Matrix x = flow.inverse(z, BLAS);
    assertClose(flat(x), flat(golden.rows("inv_x")), 10 * tolerance(precision));
    assertClose(flat(flow.forward(x, BLAS)), flat(z), 10 * tolerance(precision));
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void theFirstRowsSetEveryActNormAsInTheReference(Precision precision) {
    GoldenGlow golden = GoldenGlow.open();
    Flow flow = golden.flow().copy(precision);
    flow.parameters()
        .byName()
        .forEach(
            (name, block) -> {
              if (name.endsWith("translation") || golden.actNormPixels(name) > 0) {
                block.fill(0);
              }
            });
    flow.initialize(golden.rows("x_init").copy(precision), BLAS);
    flow.parameters()
        .byName()
        .forEach(
            (name, block) ->
                assertClose(flat(block), golden.weight("param", name), tolerance(precision)));
  }
}
