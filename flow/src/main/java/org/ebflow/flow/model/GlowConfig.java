package org.ebflow.flow.model;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.ColumnRange;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.LuPointwiseConvolution;
import org.ebflow.flow.layer.PointwiseConvolution;
import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.layer.Shape;

/**
 * Glow, for images: blocks of a squeeze and steps, each an ActNorm, an invertible 1×1 convolution
 * and an affine coupling by convolutions of 3×3, 1×1 and 3×3 pixels. Between two blocks half of the
 * channels leave for the base density, after a coupling that the other half conditions.
 *
 * <p>Source: Kingma and Dhariwal 2018; Chao et al. 2023, section 5 (MNIST: 2 blocks of 16 steps,
 * width 512).
 *
 * @param blocks number of blocks, 1 to 10; both sides of the image are divisible by 2^blocks
 * @param steps steps of each block, 1 to 1000
 * @param width channels within the networks of couplings
 * @param activation of the networks in couplings: leaky_relu is the published one (slope .1 below
 *     zero, between two blocks 0). Its gradient jumps, which sliced score matching can't see: that
 *     needs a smoother one, such as elu
 * @param luFactored whether the 1×1 convolutions are trained as LU factors
 * @param init published: random orthogonal 1×1 convolutions, couplings that are the identity, and
 *     ActNorms set by the first rows; whitening: the same behind a whitening map, where an ActNorm
 *     starts as the identity
 */
public record GlowConfig(
    int blocks, int steps, int width, Activation.Kind activation, boolean luFactored, Init init)
    implements ModelConfig {
  private static final int MOST_BLOCKS = 10;
  private static final int MOST_STEPS = 1000;
  private static final int MOST_WIDTH = 65_536;

  /** Slope below zero of the leaky ReLU in the couplings of steps; that between blocks has none. */
  private static final double SLOPE = .1;

  /** Refuses impossible values. */
  public GlowConfig {
    if (Math.min(blocks, Math.min(steps, width)) < 1
        || blocks > MOST_BLOCKS
        || steps > MOST_STEPS
        || width > MOST_WIDTH) {
      throw new IllegalArgumentException(
          "blocks, steps and width are "
              + blocks
              + ", "
              + steps
              + ", "
              + width
              + ", expected 1 to "
              + MOST_BLOCKS
              + ", "
              + MOST_STEPS
              + ", "
              + MOST_WIDTH);
    }
    if (init == Init.IDENTITY) {
      throw new IllegalArgumentException(
          "init is identity, expected published or whitening: model glow starts with random rotations of channels");
    }
  }

  /** With leaky ReLUs, free 1×1 convolutions and the published start. */
  public GlowConfig(int blocks, int steps, int width) {
    this(blocks, steps, width, Activation.Kind.LEAKY_RELU, false, Init.PUBLISHED);
  }

  @Override
  public String type() {
    return "glow";
  }

  /**
   * @throws IllegalArgumentException if the rows are no images whose sides are multiples of
   *     2^blocks
   */
  @Override
  public Flow.Builder layers(Shape input) {
    ModelConfig.requireImage(type(), input);
    ModelConfig.requireHalves(type(), blocks, input, blocks);
    Flow.Builder builder = Flow.of(input);
    blocks(input, blocks).forEach(builder::layer);
    return builder;
  }

  /** The last {@code count} blocks, on images of that shape. */
  private List<Layer> blocks(Shape input, int count) {
    List<Layer> result = new ArrayList<>();
    ColumnPermutation squeeze = ColumnPermutation.squeeze(input);
    result.add(squeeze);
    Shape image = squeeze.outputShape(input);
    for (int step = 0; step < steps; step++) {
      result.add(new ActNorm(image));
      result.add(luFactored ? new LuPointwiseConvolution(image) : new PointwiseConvolution(image));
      result.add(ConvolutionalCoupling.of(image, width, activation, SLOPE));
    }
    if (count > 1) {
      result.add(ConvolutionalCoupling.of(image, width, activation, 0));
      int half = image.channels() / 2;
      result.add(ColumnPermutation.splitChannels(image, half));
      Shape kept = new Shape(half, image.height(), image.width());
      Sequence rest = new Sequence(kept.size(), blocks(kept, count - 1));
      result.add(new ColumnRange(image.size(), 0, kept, rest));
    }
    return result;
  }
}
