package org.ebflow.flow.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import org.ebflow.flow.pass.Compute;
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

  /** Of 32×32 pixels two images of 6 channels, or one of 16, fill the memory of the patches. */
  @ParameterizedTest
  @CsvSource({"6, 7", "7, 6", "6, 6", "16, 17", "17, 16"})
  void patchesOfABatchInBlocksGiveTheProductsOfRows(int in, int out) {
    ConvolutionShape shape = new ConvolutionShape(32, 32, in, out, 3);
    Matrix weight = random(out, shape.taps(), 1);
    Matrix x = random(BATCH, shape.inputs(), 2);
    Matrix yBar = random(BATCH, shape.outputs(), 3);
    try (Team team = new Team(1)) {
      Compute compute = Compute.of(Precision.FLOAT64, Blas.named("openblas"));
      Parameters none = Parameters.initial(new LinkedHashMap<>(), Precision.FLOAT64, 1);
      Workspace kept = Workspace.forTeam(compute, none, team, BATCH, 0, true)[0];
      ConvolutionProducts[] ways = {
        new RowProducts(shape, kept, 0), new PatchProducts(shape, kept, 8)
      };
      Matrix[] y = new Matrix[2];
      Matrix[] xBar = new Matrix[2];
      Matrix[] weightBar = new Matrix[2];
      for (int i = 0; i < 2; i++) {
        y[i] = Matrix.allocate(Precision.FLOAT64, BATCH, shape.outputs());
        xBar[i] = Matrix.allocate(Precision.FLOAT64, BATCH, shape.inputs());
        weightBar[i] = random(out, shape.taps(), 4);
        ConvolutionProducts way = ways[i];
        way.start(weight);
        way.forward(x, y[i]);
        way.backward(weight, yBar, xBar[i]);
        way.addWeightGradient(team.worker(0), true, yBar, x, weightBar[i]); // overwrites
        way.addWeightGradient(team.worker(0), false, yBar, x, weightBar[i]); // adds
      }
      assertClose(y[1], y[0]);
      assertClose(xBar[1], xBar[0]);
      assertClose(weightBar[1], weightBar[0]);
    }
  }

  private static Matrix random(int rows, int columns, int step) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, rows, columns);
    new Noise(5).gaussian(101, step, 0, result);
    return result;
  }

  private static void assertClose(Matrix found, Matrix expected) {
    double[][] values = found.toRows();
    double[][] rows = expected.toRows();
    for (int r = 0; r < rows.length; r++) {
      assertThat(values[r]).containsExactly(rows[r], within(1e-9));
    }
  }
}
