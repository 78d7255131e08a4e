package org.ebflow.flow.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which way a convolution is computed, by its shape. */
class ConvolutionProductsTest {
  private static final int BATCH = 5;

  @ParameterizedTest
  @CsvSource({
    // the published models
    "28, 1, 1, 7, true",
    "14, 4, 4, 7, true",
    "7, 16, 16, 7, true",
    "32, 3, 3, 7, true",
    "16, 12, 12, 7, true",
    "8, 48, 48, 7, true",
    // networks of couplings
    "14, 2, 512, 3, false",
    "14, 512, 512, 1, false",
    "14, 512, 4, 3, false",
    "4, 24, 512, 3, false",
    "4, 512, 48, 3, false",
    // the small ones that the other tests compute by patches
    "9, 1, 16, 3, false",
    "9, 16, 1, 3, false",
    "9, 16, 2, 3, false"
  })
  void wideImagesOfManyChannelsAreCutIntoPatches(
      int width, int in, int out, int side, boolean byRows) {
    assertThat(ConvolutionProducts.byRows(new ConvolutionShape(2, width, in, out, side)))
        .isEqualTo(byRows);
  }

  /**
   * Of 32×32 pixels two images of 6 channels, or one of 16, fill the memory of the patches. What an
   * earlier step with other weights has left in memory does not count.
   */
  @ParameterizedTest
  @CsvSource({"6, 7", "7, 6", "6, 6", "16, 17", "17, 16"})
  void patchesOfABatchInBlocksGiveTheProductsOfRows(int in, int out) {
    patchesGiveTheProductsOfRows(in, out, Precision.FLOAT64, 1e-9);
    patchesGiveTheProductsOfRows(in, out, Precision.FLOAT32, 5e-3);
  }

  private static void patchesGiveTheProductsOfRows(
      int in, int out, Precision precision, double error) {
    ConvolutionShape shape = new ConvolutionShape(32, 32, in, out, 3);
    try (Team team = new Team(1)) {
      Compute compute = Compute.of(precision, Blas.named("openblas"));
      Parameters none = Parameters.initial(new LinkedHashMap<>(), precision, 1);
      Workspace kept = Workspace.forTeam(compute, none, team, BATCH, 0, true)[0];
      Parameter block = new Parameter("weight", out, shape.taps(), Initializers.constant(0));
      ConvolutionProducts[] ways = {
        new RowProducts(shape, block, kept, 0), new PatchProducts(shape, block, kept, 8)
      };
      for (int step = 0; step < 2; step++) {
        Matrix weight = random(precision, out, shape.taps(), 10 * step + 1);
        Matrix x = random(precision, BATCH, shape.inputs(), 10 * step + 2);
        Matrix yBar = random(precision, BATCH, shape.outputs(), 10 * step + 3);
        Matrix[] y = new Matrix[2];
        Matrix[] xBar = new Matrix[2];
        Matrix[] weightBar = new Matrix[2];
        for (int i = 0; i < 2; i++) {
          y[i] = Matrix.allocate(precision, BATCH, shape.outputs());
          xBar[i] = random(precision, BATCH, shape.inputs(), 4);
          weightBar[i] = random(precision, out, shape.taps(), 4);
          ConvolutionProducts way = ways[i];
          way.start(weight);
          way.forward(x, y[i]);
          way.backward(yBar, xBar[i]); // overwrites
          way.addWeightGradient(team.worker(0), true, yBar, x, weightBar[i]); // overwrites
          way.addWeightGradient(team.worker(0), false, yBar, x, weightBar[i]); // adds
        }
        assertAdjoint(x, xBar[0], y[0], yBar, error);
        assertClose(y[1], y[0], error);
        assertClose(xBar[1], xBar[0], error);
        assertClose(weightBar[1], weightBar[0], error);
      }
    }
  }

  /** ⟨ȳ, W x⟩ = ⟨Wᵀ ȳ, x⟩: both go by the same weight. */
  private static void assertAdjoint(Matrix x, Matrix xBar, Matrix y, Matrix yBar, double error) {
    double forward = inner(yBar, y);
    assertThat(inner(xBar, x)).isCloseTo(forward, within(error * BATCH * y.columns()));
  }

  private static double inner(Matrix a, Matrix b) {
    double sum = 0;
    for (int r = 0; r < a.rows(); r++) {
      for (int c = 0; c < a.columns(); c++) {
        sum += a.get(r, c) * b.get(r, c);
      }
    }
    return sum;
  }

  private static Matrix random(Precision precision, int rows, int columns, int step) {
    Matrix result = Matrix.allocate(precision, rows, columns);
    new Noise(5).gaussian(101, step, 0, result);
    return result;
  }

  private static void assertClose(Matrix found, Matrix expected, double error) {
    double[][] values = found.toRows();
    double[][] rows = expected.toRows();
    for (int r = 0; r < rows.length; r++) {
      assertThat(values[r]).containsExactly(rows[r], within(error));
    }
  }
}
