package org.ebflow.flow.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GlowConfigTest {
  private static final Blas BLAS = Blas.named("openblas");
  private static final Shape IMAGE = new Shape(1, 8, 4);

  private static Flow flow(boolean luFactored, long seed) {
    return new GlowConfig(2, 2, 3, Activation.Kind.LEAKY_RELU, luFactored, Init.PUBLISHED)
        .build(IMAGE, Precision.FLOAT64, seed);
  }

  /** Per step 2C of the ActNorm, C² of the 1×1 convolution, and the network's. */
  @ParameterizedTest
  @CsvSource({"2, 16, 512", "1, 2, 5", "2, 3, 64"})
  void weightsAreThoseOfTheLayers(int blocks, int steps, int width) {
    Flow flow =
        new GlowConfig(blocks, steps, width).build(new Shape(1, 28, 28), Precision.FLOAT32, 1);
    long expected = 0;
    for (int block = 0, c = 4; block < blocks; block++, c = 4 * (c / 2)) {
      long network =
          (9L * (c / 2) * width + width)
              + ((long) width * width + width)
              + (9L * width * c + c)
              + c;
      expected += steps * (2L * c + (long) c * c + network) + (block < blocks - 1 ? network : 0);
    }
    assertThat(flow.parameters().count()).isEqualTo(expected);
  }

  /** Couplings start as the identity and 1×1 convolutions as rotations, so z has the norm of x. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void startsAsARotation(boolean luFactored) {
    Flow flow = flow(luFactored, 7);
    Matrix x = Matrix.allocate(Precision.FLOAT64, 3, IMAGE.size());
    new Noise(3).gaussian(101, 0, 0, x);
    Matrix z = flow.forward(x, BLAS);
    for (int r = 0; r < x.rows(); r++) {
      assertThat(squares(z, r)).isCloseTo(squares(x, r), within(1e-10));
      assertThat(Math.abs(z.get(r, 0) - x.get(r, 0))).isGreaterThan(1e-3);
    }
    assertThat(flow.logZ(BLAS)).isCloseTo(0, within(1e-10));
  }

  private static double squares(Matrix matrix, int row) {
    double sum = 0;
    for (int c = 0; c < matrix.columns(); c++) {
      sum += matrix.get(row, c) * matrix.get(row, c);
    }
    return sum;
  }

  /** The same draw makes the same rotation, whether it is kept whole or factored. */
  @Test
  void aFactoredRotationIsOneOfItsOwnSeed() {
    Matrix x = Matrix.allocate(Precision.FLOAT64, 1, IMAGE.size());
    new Noise(3).gaussian(101, 0, 0, x);
    Matrix first = flow(true, 1).forward(x, BLAS);
    assertThat(flow(true, 1).forward(x, BLAS).toRows()).isEqualTo(first.toRows());
    assertThat(flow(true, 2).forward(x, BLAS).get(0, 0)).isNotEqualTo(first.get(0, 0));
  }

  @Test
  void isMadeAgainFromItsDescription() {
    Flow flow = flow(true, 1);
    Flow.Builder builder = Flow.of(IMAGE);
    LayerTypes.describe(flow.layers())
        .forEach(description -> builder.layer(LayerTypes.make(description, builder.shape())));
    assertThat(builder.build().parameters().names()).isEqualTo(flow.parameters().names());
  }

  @Test
  void refusesWhatIsNoGlow() {
    GlowConfig config = new GlowConfig(2, 1, 4);
    assertThatThrownBy(() -> config.build(12, Precision.FLOAT32, 1))
        .hasMessage("model glow needs images, expected height and width, found rows of 12 columns");
    assertThatThrownBy(() -> config.build(new Shape(3, 8, 6), Precision.FLOAT32, 1))
        .hasMessage(
            "model glow with blocks 2: images are 3x8x6, expected height and width divisible by 4");
    assertThatThrownBy(() -> new GlowConfig(11, 1, 4))
        .hasMessage("blocks, steps and width are 11, 1, 4, expected 1 to 10, 1000, 65536");
    assertThatThrownBy(
            () -> new GlowConfig(1, 1, 4, Activation.Kind.LEAKY_RELU, false, Init.IDENTITY))
        .hasMessageStartingWith("init is identity, expected published or whitening");
  }
}
