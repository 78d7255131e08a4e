package org.ebflow.flow;

import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.Arrays;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Logit;
import org.ebflow.golden.GoldenCase;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The layers of the image preprocessing, scaling and logit, against reference values. */
class PreprocessingGoldenTest {
  private static final double VALUE = 1e-9;
  private static final Blas BLAS = Blas.named("openblas");

  @ParameterizedTest
  @ValueSource(doubles = {.5, .75, 1})
  void scalingAndLogitMatchTheReference(double smoothness) {
    GoldenCase golden = GoldenCase.open("preprocess");
    String name = "_alpha" + String.valueOf(smoothness).replace('.', 'p');
    double delta = golden.hyper("shift");
    double levels = golden.hyper("scale");
    Matrix pixels = golden.matrix("image");
    Matrix noise = golden.matrix("noise");
    for (int r = 0; r < pixels.rows(); r++) {
      for (int c = 0; c < pixels.columns(); c++) {
        pixels.set(r, c, pixels.get(r, c) + noise.get(r, c));
      }
    }
    int dimension = pixels.columns();
    FixedAffine scaling =
        FixedAffine.uniform(dimension, (1 - 2 * delta) / levels, delta * (1 - 2 * delta));
    Flow flow =
        Flow.of(dimension)
            .precision(Precision.FLOAT64)
            .layer(scaling)
            .layer(new Logit(smoothness))
            .build();
    assertClose(flat(flow.part(0, 1).forward(pixels, BLAS)), golden.values("stage_shrunk"), VALUE);
    Matrix y = flow.forward(pixels, BLAS);
    assertClose(flat(y), golden.values("x" + name), VALUE);
    double[] logDet = flow.logProb(pixels, BLAS);
    for (int r = 0; r < logDet.length; r++) {
      double squares = Arrays.stream(y.toRows()[r]).map(value -> value * value).sum();
      logDet[r] += .5 * squares + .5 * dimension * Math.log(2 * Math.PI);
    }
    assertClose(logDet, golden.values("logdet" + name), VALUE);
    assertClose(
        flat(flow.inverse(golden.matrix("rev_in" + name), BLAS)),
        golden.values("rev_cont" + name),
        VALUE);
  }
}
