package org.ebflow.flow.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.DerivedOperands;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.api.Test;
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

  /** In passes that go back; others are made by rows. */
  @ParameterizedTest
  @CsvSource({
    // the published models: float32, and where products of rows are rounded
    "28, 1, 7, false, false",
    "14, 4, 7, true, false",
    "7, 16, 7, true, false",
    "32, 3, 7, true, false",
    "16, 12, 7, true, true",
    "8, 48, 7, true, true",
    // many channels of small images
    "5, 12, 9, true, false"
  })
  void fewChannelsOfWideImagesAreTransformed(
      int width, int channels, int side, boolean exact, boolean rounded) {
    ConvolutionShape shape = new ConvolutionShape(width, width, channels, channels, side);
    assertThat(ConvolutionProducts.byFourier(shape, false)).isEqualTo(exact);
    assertThat(ConvolutionProducts.byFourier(shape, true)).isEqualTo(rounded);
    Parameter block = new Parameter("weight", channels, shape.taps(), Initializers.constant(0));
    Parameters none = Parameters.initial(new LinkedHashMap<>(), Precision.FLOAT32, 1);
    Compute compute = Compute.of(Precision.FLOAT32, Blas.named("java"));
    try (Team team = new Team(1)) {
      for (boolean back : new boolean[] {false, true}) {
        Workspace kept = Workspace.forTeam(compute, none, team, 1, 0, back)[0];
        assertThat(ConvolutionProducts.of(shape, block, kept, 0))
            .isInstanceOf(exact && back ? FourierProducts.class : RowProducts.class);
      }
    }
  }

  /**
   * Each has some of the rows, more than are transformed at a time, and adds some of the weight's.
   */
  @ParameterizedTest
  @CsvSource({"2, 3, 3, 4, 131", "3, 2, 5, 1, 2", "1, 2, 1, 5, 1"})
  void twoWorkersSumTheGradientOfOne(int in, int out, int height, int width, int rows) {
    ConvolutionShape shape = new ConvolutionShape(height, width, in, out, 5);
    Parameter block = new Parameter("weight", out, shape.taps(), Initializers.constant(0));
    Parameters none = Parameters.initial(new LinkedHashMap<>(), Precision.FLOAT64, 1);
    Compute compute = Compute.of(Precision.FLOAT64, Blas.named("openblas"));
    Matrix weight = random(Precision.FLOAT64, out, shape.taps(), 1);
    Matrix images = random(Precision.FLOAT64, rows, shape.inputs(), 2);
    Matrix cotangents = random(Precision.FLOAT64, rows, shape.outputs(), 3);
    Jet x = jet(images);
    Jet yBar = jet(cotangents);
    Jet firstX = jet(images.rows(0, 1));
    Jet firstYBar = jet(cotangents.rows(0, 1));
    Matrix expected = Matrix.allocate(Precision.FLOAT64, out, shape.taps());
    Matrix found = random(Precision.FLOAT64, out, shape.taps(), 4);
    try (Team one = new Team(1);
        Team two = new Team(2)) {
      Workspace alone = Workspace.forTeam(compute, none, one, rows, 0, true)[0];
      ConvolutionProducts way = new RowProducts(shape, block, alone, 0);
      way.start(weight);
      way.addWeightGradient(one.worker(0), true, yBar, x, expected);
      way.addWeightGradient(one.worker(0), false, yBar, x, expected);
      way.addWeightGradient(one.worker(0), false, firstYBar, firstX, expected);
      Workspace[] kept = Workspace.forTeam(compute, none, two, rows, 0, true);
      two.run(
          worker -> {
            Workspace own = kept[worker.rank()];
            ConvolutionShape larger = new ConvolutionShape(height + 2, width, in + 1, out + 1, 5);
            new FourierProducts(larger, block, own, 4)
                .forward(
                    jet(Matrix.allocate(Precision.FLOAT64, rows, larger.inputs())),
                    jet(Matrix.allocate(Precision.FLOAT64, rows, larger.outputs())),
                    0);
            ConvolutionProducts shared = new FourierProducts(shape, block, own, 0);
            shared.start(weight);
            shared.addWeightGradient(worker, true, yBar, x, found);
            shared.addWeightGradient(worker, false, yBar, x, found); // adds
            shared.addWeightGradient(worker, false, firstYBar, firstX, found); // one has none
          });
    }
    assertClose(found, expected, 1e-11 * rows);
  }

  /** What an earlier layer has left in the memory of a block does not count. */
  @Test
  void manyImagesAreTransformedInBlocks() {
    int rows = 131;
    ConvolutionShape shape = new ConvolutionShape(3, 4, 2, 3, 5);
    ConvolutionShape larger = new ConvolutionShape(5, 4, 3, 4, 5);
    Parameter block = new Parameter("weight", 3, shape.taps(), Initializers.constant(0));
    Parameters none = Parameters.initial(new LinkedHashMap<>(), Precision.FLOAT64, 1);
    Compute compute = Compute.of(Precision.FLOAT64, Blas.named("openblas"));
    Matrix weight = random(Precision.FLOAT64, 3, shape.taps(), 1);
    Jet x = jet(random(Precision.FLOAT64, rows, shape.inputs(), 2));
    Jet yBar = jet(random(Precision.FLOAT64, rows, shape.outputs(), 3));
    Matrix[] y = new Matrix[2];
    Matrix[] xBar = new Matrix[2];
    Matrix[] weightBar = new Matrix[2];
    try (Team team = new Team(1)) {
      Workspace kept = Workspace.forTeam(compute, none, team, rows, 0, true)[0];
      new FourierProducts(larger, block, kept, 8)
          .forward(
              jet(random(Precision.FLOAT64, rows, larger.inputs(), 5)),
              jet(Matrix.allocate(Precision.FLOAT64, rows, larger.outputs())),
              0);
      ConvolutionProducts[] ways = {
        new RowProducts(shape, block, kept, 0), new FourierProducts(shape, block, kept, 4)
      };
      for (int i = 0; i < 2; i++) {
        y[i] = Matrix.allocate(Precision.FLOAT64, rows, shape.outputs());
        xBar[i] = Matrix.allocate(Precision.FLOAT64, rows, shape.inputs());
        weightBar[i] = Matrix.allocate(Precision.FLOAT64, 3, shape.taps());
        ways[i].start(weight);
        ways[i].forward(x, jet(y[i]), 0);
        ways[i].backward(yBar, jet(xBar[i]), 0);
        ways[i].addWeightGradient(team.worker(0), true, yBar, x, weightBar[i]);
      }
    }
    assertClose(y[1], y[0], 1e-11);
    assertClose(xBar[1], xBar[0], 1e-11);
    assertClose(weightBar[1], weightBar[0], 1e-11 * rows);
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
        new RowProducts(shape, block, kept, 0),
        new PatchProducts(shape, block, kept, 8),
        new FourierProducts(shape, block, kept, 16)
      };
      for (int step = 0; step < 2; step++) {
        Matrix weight = random(precision, out, shape.taps(), 10 * step + 1);
        Matrix x = random(precision, BATCH, shape.inputs(), 10 * step + 2);
        Matrix yBar = random(precision, BATCH, shape.outputs(), 10 * step + 3);
        Matrix[] y = new Matrix[ways.length];
        Matrix[] xBar = new Matrix[ways.length];
        Matrix[] weightBar = new Matrix[ways.length];
        for (int i = 0; i < ways.length; i++) {
          y[i] = Matrix.allocate(precision, BATCH, shape.outputs());
          xBar[i] = random(precision, BATCH, shape.inputs(), 4);
          weightBar[i] = random(precision, out, shape.taps(), 4);
          ConvolutionProducts way = ways[i];
          way.start(weight);
          Jet input = jet(x);
          Jet outputBar = jet(yBar);
          way.forward(input, jet(y[i]), 0);
          way.backward(outputBar, jet(xBar[i]), 0); // overwrites
          way.addWeightGradient(team.worker(0), true, outputBar, input, weightBar[i]); // overwrites
          way.addWeightGradient(team.worker(0), false, outputBar, input, weightBar[i]); // adds
        }
        assertAdjoint(x, xBar[0], y[0], yBar, error);
        for (int i = 1; i < ways.length; i++) {
          assertClose(y[i], y[0], error);
          assertClose(xBar[i], xBar[0], error);
          assertClose(weightBar[i], weightBar[0], error);
        }
      }
    }
  }

  /**
   * In bfloat16 every product is that of the rounded weight and of rounded images: of the input,
   * and of cotangents. Sums are not rounded.
   */
  @ParameterizedTest
  @CsvSource({"6, 7, 3", "7, 6, 3", "1, 1, 7", "16, 16, 1", "17, 16, 3"})
  void operandsAreRoundedAndNothingElse(int in, int out, int side) {
    Blas blas = Blas.named("onednn");
    assumeTrue(blas.multipliesBFloat16(), "oneDNN has no bfloat16 products on this processor");
    ConvolutionShape shape = new ConvolutionShape(32, 32, in, out, side);
    Parameter block =
        Parameter.weight(
            "weight",
            out,
            shape.taps(),
            Initializers.uniformByFanIn(1),
            ConvolutionProducts.operands(shape));
    LinkedHashMap<String, Parameter> named = new LinkedHashMap<>();
    named.put("weight", block);
    Parameters parameters = Parameters.initial(named, Precision.FLOAT32, 1);
    Matrix weight = parameters.of(block);
    Matrix x = random(Precision.FLOAT32, BATCH, shape.inputs(), 2);
    Matrix yBar = random(Precision.FLOAT32, BATCH, shape.outputs(), 3);
    try (Team team = new Team(1)) {
      Workspace rounding =
          Workspace.forTeam(
              Compute.bfloat16(parameters, blas, team), parameters, team, BATCH, 0, true)[0];
      Workspace exact =
          Workspace.forTeam(
              Compute.of(Precision.FLOAT64, blas),
              parameters.copy(Precision.FLOAT64),
              team,
              BATCH,
              0,
              true)[0];
      Matrix[] expected =
          run(
              new RowProducts(shape, block, exact, 0),
              team,
              rounded(weight),
              rounded(x),
              rounded(yBar));
      for (ConvolutionProducts way :
          new ConvolutionProducts[] {
            new RowProducts(shape, block, rounding, 0), new PatchProducts(shape, block, rounding, 8)
          }) {
        Matrix[] found = run(way, team, weight, x, yBar);
        for (int i = 0; i < found.length; i++) {
          assertClose(found[i], expected[i], 1e-5 * Math.sqrt(largest(expected[i])) * BATCH);
        }
      }
    }
  }

  /** Output, cotangent of the input, gradient of the weight. */
  private static Matrix[] run(
      ConvolutionProducts way, Team team, Matrix weight, Matrix x, Matrix yBar) {
    Precision precision = weight.precision();
    Matrix y = Matrix.allocate(precision, BATCH, yBar.columns());
    Matrix xBar = Matrix.allocate(precision, BATCH, x.columns());
    Matrix weightBar = Matrix.allocate(precision, weight.rows(), weight.columns());
    Jet input = jet(x);
    Jet outputBar = jet(yBar);
    way.start(weight);
    way.forward(input, jet(y), 0);
    way.backward(outputBar, jet(xBar), 0);
    way.addWeightGradient(team.worker(0), true, outputBar, input, weightBar);
    return new Matrix[] {y, xBar, weightBar};
  }

  private static Matrix rounded(Matrix x) {
    BFloat16Matrix copy = BFloat16Matrix.allocate(x.rows(), x.columns());
    KernelChoice.reference(Precision.FLOAT32).bfloat16().round(x, copy);
    Matrix result = Matrix.allocate(Precision.FLOAT64, x.rows(), x.columns());
    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++) {
        result.set(r, c, copy.get(r, c));
      }
    }
    return result;
  }

  private static double largest(Matrix x) {
    return Arrays.stream(x.toRows()).flatMapToDouble(Arrays::stream).map(Math::abs).max().orElse(0);
  }

  /** Output rows in the middle of an image share one; what lies beyond the image is left out. */
  @ParameterizedTest
  @CsvSource({
    "5, 4, 2, 3, 3, 3",
    "9, 4, 2, 3, 7, 7",
    "2, 4, 3, 2, 7, 2",
    "7, 7, 1, 1, 7, 7",
    "3, 3, 2, 2, 1, 1"
  })
  void derivedOperandsOfRowsAreTheDistinctBands(
      int height, int width, int in, int out, int side, int distinct) {
    ConvolutionShape shape = new ConvolutionShape(height, width, in, out, side);
    DerivedOperands operands = new RowProducts.Operands(shape);
    List<Matrix> found = operands.forward(random(Precision.FLOAT64, out, shape.taps(), 1));
    assertThat(found).hasSize(distinct);
    assertThat(found).allMatch(matrix -> matrix.rows() == width * out);
    assertThat(found.stream().mapToLong(Matrix::size).sum()).isEqualTo(operands.numbers());
    assertThat(operands.rowsOfProducts(8)).isEqualTo(8);
  }

  /** Of 14×14 pixels: as many images as fill the memory of patches, but a power of two up to 8. */
  @ParameterizedTest
  @CsvSource({
    "2, 64, 3, 8, 1568",
    "2, 64, 3, 256, 1568",
    "2, 64, 3, 12, -1",
    "2, 64, 3, 4, 784",
    "128, 64, 1, 8, 1568",
    "512, 512, 1, 8, 196",
    "512, 512, 1, 7, 196",
    "40, 64, 3, 8, 196"
  })
  void allForwardProductsOfPatchesHaveTheSameShape(
      int in, int out, int side, int rows, int expected) {
    ConvolutionShape shape = new ConvolutionShape(14, 14, in, out, side);
    DerivedOperands operands = new PatchProducts.Operands(shape);
    assertThat(operands.rowsOfProducts(rows)).isEqualTo(expected);
    assertThat(operands.numbers()).isEqualTo((long) out * shape.taps());
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

  /** All rows, as one worker sees them. */
  private static Jet jet(Matrix values) {
    return new Jet(values, values.rows(), 0, values.rows());
  }

  private static Matrix random(Precision precision, int rows, int columns, int step) {
    Matrix result = Matrix.allocate(precision, rows, columns);
    new Noise(5).gaussian(101, step, 0, result);
    return result;
  }

  private static void assertClose(Matrix found, Matrix expected, double error) {
    assertThat(found.rows()).isEqualTo(expected.rows());
    assertThat(found.columns()).isEqualTo(expected.columns());
    for (int r = 0; r < expected.rows(); r++) {
      for (int c = 0; c < expected.columns(); c++) {
        double difference = found.get(r, c) - expected.get(r, c);
        if (!(Math.abs(difference) <= error)) { // an assertion for each would take seconds
          assertThat(difference).as("row %d, column %d", r, c).isCloseTo(0, within(error));
        }
      }
    }
  }
}
