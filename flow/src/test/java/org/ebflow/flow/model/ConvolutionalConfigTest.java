package org.ebflow.flow.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What models of convolutions are made of, and where they start. */
class ConvolutionalConfigTest {
  private static final Shape MNIST = new Shape(1, 28, 28);
  private static final Blas BLAS = Blas.named("openblas");

  private static ConvolutionalConfig config(int blocks, Init init) {
    return new ConvolutionalConfig(blocks, 2, 7, .3, true, false, init);
  }

  @ParameterizedTest
  @CsvSource({"1, 28, 26796", "3, 32, 240912"})
  void itHasThePublishedNumberOfWeights(int channels, int side, long expected) {
    Flow flow =
        config(3, Init.PUBLISHED).build(new Shape(channels, side, side), Precision.FLOAT32, 1);

    assertThat(flow.parameters().count()).isEqualTo(expected);
  }

  @Test
  void everyBlockHasTwoConvolutionsOfTheImageAtItsSize() {
    Flow flow = config(3, Init.PUBLISHED).build(MNIST, Precision.FLOAT32, 1);

    List<String> layers =
        flow.layers().stream().map(layer -> layer.getClass().getSimpleName()).toList();
    assertThat(String.join(" ", layers))
        .isEqualTo(
            "Convolution SmoothLeakyRelu Convolution SmoothLeakyRelu ColumnPermutation"
                + " Convolution SmoothLeakyRelu Convolution SmoothLeakyRelu ColumnPermutation"
                + " Convolution SmoothLeakyRelu Convolution");
    assertThat(flow.shapes().getFirst()).isEqualTo(MNIST);
    assertThat(flow.shapes().get(5)).isEqualTo(new Shape(4, 14, 14));
    assertThat(flow.shapes().getLast()).isEqualTo(new Shape(16, 7, 7));
  }

  @Test
  void thePublishedStartNegatesEveryPixelAndAddsASmallRandomBias() {
    Shape image = new Shape(3, 4, 4);
    Flow flow = new ConvolutionalConfig(1, 1, 7, .3, true).build(image, Precision.FLOAT64, 3);
    Matrix x = Matrix.allocate(Precision.FLOAT64, 1, 48);
    for (int i = 0; i < 48; i++) {
      x.set(0, i, i);
    }
    Matrix bias = flow.parameters().of(((Convolution) flow.layers().getFirst()).bias());
    Matrix y = flow.forward(x, BLAS);

    for (int i = 0; i < 48; i++) {
      assertThat(y.get(0, i)).isCloseTo(-i + bias.get(0, i % 3), within(1e-14));
    }
    assertThat(flow.logZ(BLAS)).isZero();
  }

  /** s = .01·√(2/(fan in + fan out)), both k²·C. */
  @Test
  void biasesStartWithTheDeviationOfXavierNormalWeights() {
    Shape image = new Shape(4000, 1, 1);
    Layer layer = new Convolution(image, 1);
    Flow flow = Flow.of(image).layer(layer).precision(Precision.FLOAT64).build();
    double squares = 0;
    for (double value : flow.parameters().of(((Convolution) layer).bias()).toRows()[0]) {
      squares += value * value;
    }

    assertThat(Math.sqrt(squares / 4000)).isCloseTo(.01 / Math.sqrt(4000), within(1e-5));
  }

  @Test
  void theIdentityStartLeavesTheActivationsAlone() {
    Flow flow = config(2, Init.IDENTITY).build(new Shape(1, 4, 4), Precision.FLOAT64, 1);
    Matrix x = Matrix.allocate(Precision.FLOAT64, 1, 16);
    x.set(0, 0, 2);
    double y = 2;
    double zero = 0;
    for (int i = 0; i < 3; i++) { // activations
      y = 1.3 * y + .7 * Math.log1p(Math.exp(y));
      zero = 1.3 * zero + .7 * Math.log1p(Math.exp(zero));
    }
    Matrix found = flow.forward(x, BLAS);

    assertThat(found.get(0, 0)).isCloseTo(y, within(1e-12));
    assertThat(found.get(0, 1)).isCloseTo(zero, within(1e-12));
    assertThat(flow.logZ(BLAS)).isZero();
  }

  @Test
  void spectralNormalisationKeepsTheNumberOfWeightsAndTheStart() {
    Shape image = new Shape(3, 8, 8);
    Flow plain = config(3, Init.PUBLISHED).build(image, Precision.FLOAT64, 3);
    Flow normalised =
        new ConvolutionalConfig(3, 2, 7, .3, true, true, Init.PUBLISHED)
            .build(image, Precision.FLOAT64, 3);

    assertThat(normalised.parameters().count()).isEqualTo(plain.parameters().count());
    assertThat(normalised.logZ(BLAS)).isCloseTo(plain.logZ(BLAS), within(1e-12));
  }

  @Test
  void whatIsNoImageOrCannotBeHalvedIsRefused() {
    ConvolutionalConfig config = config(3, Init.PUBLISHED);

    assertThatThrownBy(() -> config.build(43, Precision.FLOAT32, 1))
        .hasMessage("model cnn needs images, expected height and width, found rows of 43 columns");
    assertThatThrownBy(() -> config.build(new Shape(1, 28, 30), Precision.FLOAT32, 1))
        .hasMessage(
            "model cnn with blocks 3: images are 1x28x30, expected height and width divisible by"
                + " 4");
  }

  @Test
  void impossibleValuesAreRefused() {
    assertThatThrownBy(() -> new ConvolutionalConfig(11, 2, 7, .3, true))
        .hasMessage("blocks is 11, expected 1 to 10");
    assertThatThrownBy(() -> new ConvolutionalConfig(1, 0, 7, .3, true))
        .hasMessage("convolutions is 0, expected 1 to 100");
    assertThatThrownBy(() -> new ConvolutionalConfig(1, 1, 6, .3, true))
        .hasMessage("side is 6, expected an odd number from 1 to 99");
    assertThatThrownBy(() -> new ConvolutionalConfig(1, 1, 7, 0, true))
        .hasMessage("alpha is 0.0, expected 0 < alpha <= 1");
  }
}
