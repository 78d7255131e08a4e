package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.Map;
import org.ebflow.flow.layer.Affine;
import org.ebflow.flow.layer.ConvolutionMap;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.golden.GoldenCase;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.NormOps_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SpectralNormalisationTest {
  private static final double ROUNDING = 1e-13;
  private static final int CHANNELS = 4;
  private static final int SIDE = 3;
  private static final int PIXELS = 36;
  private static final int BATCH = 2;

  /** Rows [out,in·k·k] of the reference as rows [out,k·k·in]. */
  private static Matrix weight(double[] values, int out) {
    int taps = SIDE * SIDE;
    Matrix result = Matrix.allocate(Precision.FLOAT64, out, CHANNELS * taps);
    for (int o = 0; o < out; o++) {
      for (int c = 0; c < CHANNELS; c++) {
        for (int tap = 0; tap < taps; tap++) {
          result.set(o, tap * CHANNELS + c, values[(o * CHANNELS + c) * taps + tap]);
        }
      }
    }
    return result;
  }

  /** Images [batch,channels,pixels] as rows of pixels. */
  private static Matrix images(double[] values) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, BATCH, CHANNELS * PIXELS);
    for (int b = 0; b < BATCH; b++) {
      for (int c = 0; c < CHANNELS; c++) {
        for (int pixel = 0; pixel < PIXELS; pixel++) {
          result.set(b, pixel * CHANNELS + c, values[(b * CHANNELS + c) * PIXELS + pixel]);
        }
      }
    }
    return result;
  }

  @Test
  void twoTrainingForwardsAndTheGradientMatchTheReference() {
    GoldenCase golden = GoldenCase.open("specnorm");
    ConvolutionMap map =
        new ConvolutionMap(new Shape(CHANNELS, 6, 6), CHANNELS, SIDE).spectrallyNormalised();
    Parameters parameters = Parameters.initial(map.parametersByName(), Precision.FLOAT64, 1);
    Map<String, Matrix> blocks = parameters.byName();
    blocks.get("weight_orig").copyFrom(weight(golden.values("weight_orig"), CHANNELS));
    blocks.get("weight_u").copyFrom(golden.matrix("u0"));
    blocks.get("weight_v").copyFrom(weight(golden.values("v0"), 1));
    blocks.get("bias").copyFrom(golden.matrix("bias"));
    parameters.changed();
    try (Team team = new Team(1)) {
      Compute compute = Compute.of(Precision.FLOAT64, Blas.named("openblas"));
      Workspace kept = Workspace.forTeam(compute, parameters, team, BATCH, 0, true)[0];
      Jet x = new Jet(images(golden.values("x")), BATCH, 0, BATCH);
      Jet y =
          new Jet(Matrix.allocate(Precision.FLOAT64, BATCH, CHANNELS * PIXELS), BATCH, 0, BATCH);
      for (int forward = 1; forward <= 2; forward++) {
        parameters.beginStep();
        map.forward(x, y, kept, 0, 0);
        assertClose(flat(blocks.get("weight_u")), golden.values("u" + forward), ROUNDING);
        assertClose(
            flat(blocks.get("weight_v")), flat(weight(golden.values("v" + forward), 1)), ROUNDING);
        assertClose(
            flat(blocks.get("weight")),
            flat(weight(golden.values("weight" + forward), CHANNELS)),
            ROUNDING);
        assertClose(flat(y.stream(0)), flat(images(golden.values("y" + forward))), ROUNDING);
        double sigma = blocks.get("weight_orig").get(0, 0) / blocks.get("weight").get(0, 0);
        assertThat(sigma).isCloseTo(golden.scalar("sigma" + forward), within(ROUNDING));
      }
      Gradients gradients = new Gradients(team.worker(0), compute, parameters.zeros());
      Jet yBar = new Jet(images(golden.values("cotangent")), BATCH, 0, BATCH);
      gradients.begin(1);
      map.backward(yBar, kept, x, -1, gradients);
      gradients.finish();
      Map<String, Matrix> sums = gradients.sums().byName();
      assertClose(
          flat(sums.get("weight_orig")),
          flat(weight(golden.values("grad.weight_orig"), CHANNELS)),
          10 * ROUNDING);
      assertClose(flat(sums.get("bias")), golden.values("grad.bias"), 10 * ROUNDING);
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void stepsBringTheLargestSingularValueToOne(Precision precision) {
    Affine map = new Affine(7, 5).spectrallyNormalised();
    Parameters parameters = Parameters.initial(map.parametersByName(), precision, 3);
    assertThat(largestSingularValue(parameters)).isBetween(1 - 1e-6, 1.2);
    for (int step = 0; step < 200; step++) {
      parameters.beginStep();
    }
    assertThat(largestSingularValue(parameters))
        .isCloseTo(1, within(precision == Precision.FLOAT32 ? 1e-6 : 1e-12));
  }

  private static double largestSingularValue(Parameters parameters) {
    double[][] weight = parameters.byName().get("weight").toRows();
    return NormOps_DDRM.inducedP2(new DMatrixRMaj(weight));
  }

  /** An average of unit vectors is shorter than one: the weight must not grow by that. */
  @Test
  void lengthsOfTheVectorsDoNotCount() {
    Affine map = new Affine(7, 5).spectrallyNormalised();
    Parameters parameters = Parameters.initial(map.parametersByName(), Precision.FLOAT64, 3);
    double[] before = flat(parameters.byName().get("weight"));
    for (String name : new String[] {"weight_u", "weight_v"}) {
      Matrix vector = parameters.byName().get(name);
      for (int c = 0; c < vector.columns(); c++) {
        vector.set(0, c, vector.get(0, c) / 2);
      }
    }
    parameters.changed();
    assertClose(flat(parameters.byName().get("weight")), before, ROUNDING);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void theyDoNotCountInTheGradientEither(Precision precision) {
    double rounding = precision == Precision.FLOAT32 ? 1e-5 : ROUNDING;
    ConvolutionMap map = new ConvolutionMap(new Shape(2, 3, 3), 5, SIDE).spectrallyNormalised();
    Parameters parameters = Parameters.initial(map.parametersByName(), precision, 3);
    double[] expected = gradient(map, parameters);
    scale(parameters.byName().get("weight_u"), .5);
    scale(parameters.byName().get("weight_v"), .25);
    parameters.changed();
    assertClose(gradient(map, parameters), expected, rounding * expected.length);
    assertThat(expected).doesNotContain(0);
  }

  private static void scale(Matrix vector, double factor) {
    for (int c = 0; c < vector.columns(); c++) {
      vector.set(0, c, factor * vector.get(0, c));
    }
  }

  /** Of a fixed cotangent, in V. */
  private static double[] gradient(ConvolutionMap map, Parameters parameters) {
    try (Team team = new Team(1)) {
      Compute compute = Compute.of(parameters.precision(), Blas.named("openblas"));
      Workspace kept = Workspace.forTeam(compute, parameters, team, BATCH, 0, true)[0];
      Jet x = jet(parameters.precision(), map.inputs());
      map.forward(x, jet(parameters.precision(), map.outputs()), kept, 0, 0);
      Gradients gradients = new Gradients(team.worker(0), compute, parameters.zeros());
      gradients.begin(1);
      map.backward(jet(parameters.precision(), map.outputs()), kept, x, -1, gradients);
      gradients.finish();
      return flat(gradients.sums().byName().get("weight_orig"));
    }
  }

  private static Jet jet(Precision precision, int width) {
    Matrix values = Matrix.allocate(precision, BATCH, width);
    for (int r = 0; r < BATCH; r++) {
      for (int c = 0; c < width; c++) {
        values.set(r, c, 1 + r + c % 3);
      }
    }
    return new Jet(values, BATCH, 0, BATCH);
  }

  @Test
  void theWeightIsNotTrainedAndCountsNothing() {
    Affine map = new Affine(7, 5).spectrallyNormalised();
    Parameters parameters = Parameters.initial(map.parametersByName(), Precision.FLOAT64, 3);
    assertThat(parameters.count()).isEqualTo(7 * 5 + 5);
    assertThat(parameters.names())
        .containsExactly("weight_orig", "weight_u", "weight_v", "weight", "bias");
    assertThat(map.spectrallyNormalised()).isSameAs(map);
  }
}
