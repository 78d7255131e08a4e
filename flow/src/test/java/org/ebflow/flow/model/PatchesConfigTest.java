package org.ebflow.flow.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.MonotoneSpline.Tails;
import org.ebflow.flow.layer.PointwiseConvolution;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PatchesConfigTest {
  private static PatchesConfig config(int repeats, int side) {
    return new PatchesConfig(repeats, side, 15, 3.5, Tails.FROZEN);
  }

  private static PatchesConfig withCouplings(int couplings, int width) {
    return new PatchesConfig(
        1, 7, couplings, width, Activation.Kind.ELU, 7, 3, Tails.FROZEN, Init.IDENTITY);
  }

  @Test
  void blockDiagonalLayersStandBetweenTwoDenseOnesWithSplinesBetweenAny() {
    Flow flow = config(2, 7).build(new Shape(1, 28, 28), Precision.FLOAT32, 1);

    List<Layer> linear = flow.layers().stream().filter(Layer::hasConstantJacobian).toList();
    assertThat(flow.layers()).hasSize(2 * linear.size() - 1);
    assertThat(linear).hasSize(2 + 2 * 3);
    assertThat(linear.getFirst()).hasToString("Dense(784)");
    assertThat(linear.getLast()).hasToString("Dense(784)");
    assertThat(linear.subList(1, 7))
        .extracting(layer -> layer.description() == null ? "" : layer.description().get("order"))
        .map(Object::toString)
        .satisfiesExactly(
            first -> assertThat(first).contains("tiles", "side=7, down=0, across=0"),
            second -> assertThat(second).contains("tiles", "side=7, down=3, across=4"),
            third -> assertThat(third).contains("lattices", "down=4, across=4"),
            fourth -> assertThat(fourth).contains("tiles", "side=7, down=0, across=0"),
            fifth -> assertThat(fifth).contains("tiles", "side=7, down=3, across=4"),
            sixth -> assertThat(sixth).contains("lattices", "down=4, across=4"));
    // two dense, six of 16 blocks of 49, seven splines whose 4 outermost of 18 slopes are frozen
    assertThat(flow.parameters().count())
        .isEqualTo(2 * 784 * 785 + 6 * 784 * (49 + 1) + 7 * 784 * (18 - 4));
  }

  @Test
  void itStartsAsTheIdentity() {
    Flow flow = config(1, 2).build(new Shape(3, 4, 4), Precision.FLOAT64, 1);
    Matrix x = Matrix.allocate(Precision.FLOAT64, 5, 48);
    new Noise(3).gaussian(101, 0, 0, x);
    Blas blas = Blas.named("openblas");

    Matrix z = flow.forward(x, blas);
    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++) {
        assertThat(z.get(r, c)).isCloseTo(x.get(r, c), within(1e-13));
      }
    }
    assertThat(flow.logZ(blas)).isZero();
  }

  /** Of 2×10 pixels not even four squeezes are the identity. */
  @ParameterizedTest
  @CsvSource({"1, 1, 4, 2", "2, 3, 2, 10", "3, 1, 6, 4", "5, 2, 4, 4"})
  void couplingsComeBeforeEachGroupAndStartAsTheIdentity(
      int couplings, int channels, int height, int width) {
    Shape image = new Shape(channels, height, width);
    PatchesConfig config =
        new PatchesConfig(
            2, 2, couplings, 5, Activation.Kind.ELU, 7, 3, Tails.FROZEN, Init.IDENTITY);
    Flow flow = config.build(image, Precision.FLOAT64, 1);
    Matrix x = Matrix.allocate(Precision.FLOAT64, 4, image.size());
    new Noise(3).gaussian(101, 0, 0, x);
    Blas blas = Blas.named("openblas");

    Matrix z = flow.forward(x, blas);

    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < image.size(); c++) {
        assertThat(z.get(r, c)).isCloseTo(x.get(r, c), within(1e-13));
      }
    }
    // a dense layer; in each group squeeze, coupling and 1×1 convolution, its inverse and three
    // blocks
    assertThat(flow.layers()).hasSize(1 + 2 * (2 + 2 * couplings + 3 * 2) + 2);
    Shape squeezed = new Shape(4 * channels, height / 2, width / 2);
    assertThat(flow.layers().subList(1, 4))
        .extracting(Object::toString)
        .containsExactly(
            ColumnPermutation.squeezeRows(image).toString(),
            flow.layers().get(2).toString(),
            new PointwiseConvolution(squeezed).toString());
    assertThat(flow.layers().get(2)).isInstanceOf(Coupling.class);
  }

  /** Couplings turn the channels, so that each of the four pixels of a square is transformed. */
  @Test
  void twoCouplingsTransformThreeOfFourChannels() {
    Shape image = new Shape(1, 2, 2);
    PatchesConfig config =
        new PatchesConfig(1, 1, 2, 3, Activation.Kind.ELU, 7, 3, Tails.FROZEN, Init.IDENTITY);
    Flow flow = config.build(image, Precision.FLOAT64, 1);
    flow.parameters()
        .byName()
        .forEach(
            (name, values) -> {
              if (name.contains("network") && name.endsWith("bias")) {
                values.fill(.1);
              }
            });
    flow.parameters().changed();

    Matrix z = flow.forward(Matrix.allocate(Precision.FLOAT64, 1, 4), Blas.named("openblas"));

    // the first transforms the lower two; turned by one, the second the lower right and upper left
    assertThat(z.get(0, 1)).isZero();
    assertThat(z.get(0, 0)).isPositive();
    assertThat(z.get(0, 2)).isPositive();
    assertThat(z.get(0, 3)).isGreaterThan(z.get(0, 2));
  }

  @Test
  void couplingsNeedEvenSides() {
    PatchesConfig config =
        new PatchesConfig(1, 7, 1, 8, Activation.Kind.ELU, 7, 3, Tails.FROZEN, Init.IDENTITY);
    for (Shape image : List.of(new Shape(1, 7, 14), new Shape(1, 14, 7))) {
      assertThatThrownBy(() -> config.build(image, Precision.FLOAT32, 1))
          .hasMessage(
              "model patches with couplings: images are "
                  + image
                  + ", expected even height and width");
    }
  }

  /** As CIFAR-10 has them. */
  @Test
  void colourImagesOf32PixelsHaveBlocksOf192AndAnExactInverse() {
    int columns = 3072;
    Flow flow = config(1, 7).build(new Shape(3, 32, 32), Precision.FLOAT32, 1);
    assertThat(flow.parameters().count())
        .isEqualTo(2 * columns * (columns + 1) + 3 * columns * (192 + 1) + 4 * columns * (18 - 4));

    Blas blas = Blas.named("openblas");
    Matrix weights = flow.parameters().flat();
    Matrix noise = Matrix.allocate(Precision.FLOAT32, weights.rows(), weights.columns());
    new Noise(4).gaussian(101, 0, 0, noise);
    for (int i = 0; i < weights.columns(); i++) {
      weights.floats()[weights.offset() + i] += 1e-3f * noise.floats()[noise.offset() + i];
    }
    flow.parameters().changed();
    Matrix x = Matrix.allocate(Precision.FLOAT32, 5, columns);
    new Noise(3).gaussian(101, 0, 0, x);
    Matrix z = flow.forward(x, blas);
    Matrix back = flow.inverse(z, blas);
    double moved = 0;
    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < columns; c++) {
        moved = Math.max(moved, Math.abs(z.get(r, c) - x.get(r, c)));
        assertThat(back.get(r, c)).isCloseTo(x.get(r, c), within(1e-4));
      }
    }
    assertThat(moved).isGreaterThan(.1);
  }

  @ParameterizedTest
  @CsvSource({
    "28, 28, 7, 7", // divides
    "32, 32, 7, 8", // the nearest
    "8, 8, 7, 4", // 8 would leave one patch
    "30, 20, 7, 5", // divides both
    "28, 14, 7, 7",
    "28, 14, 14, 14", // two patches
    "28, 28, 28, 14",
    "12, 12, 5, 4", // 4 and 6 are as near
    "7, 5, 7, 1"
  })
  void thePatchSideDividesTheImage(int height, int width, int asked, int side) {
    PatchesConfig config = config(1, asked);
    Shape image = new Shape(2, height, width);

    assertThat(config.sideFor(image)).isEqualTo(side);
    Flow flow = config.build(image, Precision.FLOAT32, 1);
    assertThat(flow.layers().get(2).parameters().getFirst().columns()).isEqualTo(side * side * 2);
    assertThat(flow.layers().get(6).parameters().getFirst().columns()).isEqualTo(side * side * 2);
  }

  @Test
  void rowsThatAreNoImagesAreRefused() {
    assertThatThrownBy(() -> config(1, 7).build(43, Precision.FLOAT32, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "model patches needs images, expected height and width, found rows of 43 columns");
  }

  @Test
  void impossibleValuesAreRefused() {
    assertThatThrownBy(() -> config(0, 7)).hasMessage("repeats is 0, expected 1 to 300");
    assertThatThrownBy(() -> config(301, 7)).hasMessage("repeats is 301, expected 1 to 300");
    assertThatThrownBy(() -> config(1, 0)).hasMessage("side is 0, expected at least 1");
    assertThatThrownBy(() -> withCouplings(-1, 64))
        .hasMessage("couplings is -1, expected 0 to 100");
    assertThatThrownBy(() -> withCouplings(101, 64))
        .hasMessage("couplings is 101, expected 0 to 100");
    assertThatThrownBy(() -> withCouplings(0, 0)).hasMessage("width is 0, expected 1 to 65536");
    assertThatThrownBy(() -> new PatchesConfig(1, 7, 0, 3.5, Tails.FREE))
        .hasMessageContaining("intervals is 0");
  }
}
