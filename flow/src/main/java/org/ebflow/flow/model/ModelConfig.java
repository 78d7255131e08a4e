package org.ebflow.flow.model;

import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Precision;

/** Shape of a model, enough to build it again. */
public sealed interface ModelConfig
    permits FullyConnectedConfig,
        CouplingConfig,
        SplineConfig,
        PatchesConfig,
        LinearConfig,
        ConvolutionalConfig,
        GlowConfig {
  /** Name of the architecture in recipes: fc, coupling, spline, patches, linear, cnn or glow. */
  String type();

  /** Where its weights start. */
  Init init();

  /**
   * The layers of the model on rows of that shape, without weights yet.
   *
   * @throws IllegalArgumentException if it does not take such rows
   */
  Flow.Builder layers(Shape input);

  /** The model on rows of {@code dimension} numbers that are no images, with fresh weights. */
  default Flow build(int dimension, Precision precision, long seed) {
    return build(Shape.plain(dimension), precision, seed);
  }

  /**
   * The model on rows of that shape, with fresh weights.
   *
   * @throws IllegalArgumentException if it does not take such rows
   */
  default Flow build(Shape input, Precision precision, long seed) {
    return layers(input).precision(precision).seed(seed).build();
  }

  /** Refuses rows that are no images of more than one pixel. */
  static void requireImage(String type, Shape input) {
    if (input.pixels() == 1) {
      throw new IllegalArgumentException(
          "model "
              + type
              + " needs images, expected height and width, found rows of "
              + input.size()
              + " columns");
    }
  }

  /**
   * Refuses images whose sides can't be halved so often.
   *
   * @param blocks of the model, for the message
   */
  static void requireHalves(String type, int blocks, Shape image, int times) {
    int divisor = 1 << times;
    if (image.height() % divisor != 0 || image.width() % divisor != 0) {
      throw new IllegalArgumentException(
          "model "
              + type
              + " with blocks "
              + blocks
              + ": images are "
              + image
              + ", expected height and width divisible by "
              + divisor);
    }
  }

  /** Refuses a slope of a smooth leaky ReLU at -∞ that is none. */
  static void requireSlope(double alpha) {
    if (!(alpha > 0 && alpha <= 1)) {
      throw new IllegalArgumentException("alpha is " + alpha + ", expected 0 < alpha <= 1");
    }
  }

  /** Refuses a published start of a model that has none. */
  static void requireStartAtIdentity(Init init) {
    if (init == Init.PUBLISHED) {
      throw new IllegalArgumentException(
          "init is published, expected identity or whitening: this model was never published");
    }
  }
}
