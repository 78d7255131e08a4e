package org.ebflow.flow.model;

import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;

/**
 * For images: blocks of convolutions with a smooth leaky ReLU after each but the last, and a
 * squeeze between the blocks.
 *
 * <p>Source: Chao et al. 2023, section 5 (three blocks of two convolutions of 7×7).
 *
 * @param blocks number of blocks, 1 to 10; both sides of the image are divisible by 2^(blocks-1)
 * @param convolutions of a block, 1 to 100
 * @param side of a convolution's square in pixels, odd, 1 to 99
 * @param alpha slope of the activation at -∞
 * @param residual whether the activation adds its input
 * @param spectralNormalisation whether every convolution's weight is divided by an estimate of its
 *     largest singular value
 * @param init published: weights the negated identity, small random biases; else weights the
 *     identity and biases 0
 */
public record ConvolutionalConfig(
    int blocks,
    int convolutions,
    int side,
    double alpha,
    boolean residual,
    boolean spectralNormalisation,
    Init init)
    implements ModelConfig {
  private static final int MOST_BLOCKS = 10;
  private static final int MOST_CONVOLUTIONS = 100;
  private static final int MOST_PIXELS = 99;

  /** Refuses impossible values. */
  public ConvolutionalConfig {
    if (blocks < 1 || blocks > MOST_BLOCKS) {
      throw new IllegalArgumentException("blocks is " + blocks + ", expected 1 to " + MOST_BLOCKS);
    }
    if (convolutions < 1 || convolutions > MOST_CONVOLUTIONS) {
      throw new IllegalArgumentException(
          "convolutions is " + convolutions + ", expected 1 to " + MOST_CONVOLUTIONS);
    }
    if (side < 1 || side > MOST_PIXELS || side % 2 == 0) {
      throw new IllegalArgumentException(
          "side is " + side + ", expected an odd number from 1 to " + MOST_PIXELS);
    }
    ModelConfig.requireSlope(alpha);
  }

  /** With the published start, without spectral normalisation. */
  public ConvolutionalConfig(
      int blocks, int convolutions, int side, double alpha, boolean residual) {
    this(blocks, convolutions, side, alpha, residual, false, Init.PUBLISHED);
  }

  @Override
  public String type() {
    return "cnn";
  }

  /**
   * @throws IllegalArgumentException if the rows are no images of more than one pixel whose sides
   *     can be halved between the blocks
   */
  @Override
  public Flow.Builder layers(Shape input) {
    ModelConfig.requireImage(type(), input);
    ModelConfig.requireHalves(type(), blocks, input, blocks - 1);
    Flow.Builder builder = Flow.of(input);
    Shape shape = input;
    for (int i = 0; i < blocks * convolutions; i++) {
      if (i > 0) {
        builder.layer(new SmoothLeakyRelu(alpha, residual));
        if (i % convolutions == 0) {
          ColumnPermutation squeeze = ColumnPermutation.squeeze(shape);
          builder.layer(squeeze);
          shape = squeeze.outputShape(shape);
        }
      }
      builder.layer(convolution(shape));
    }
    return builder;
  }

  private Convolution convolution(Shape image) {
    Convolution plain =
        init == Init.PUBLISHED ? new Convolution(image, side) : Convolution.identity(image, side);
    return spectralNormalisation ? plain.spectrallyNormalised() : plain;
  }
}
