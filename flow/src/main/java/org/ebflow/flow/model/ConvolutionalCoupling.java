package org.ebflow.flow.model;

import java.util.List;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.ChannelScale;
import org.ebflow.flow.layer.Composition;
import org.ebflow.flow.layer.ConvolutionMap;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.CouplingSplit;
import org.ebflow.flow.layer.DifferentiableMap;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.layer.Shape;

/**
 * The affine coupling of Glow: the first half of an image's channels conditions the other, by
 * convolutions of 3×3, 1×1 and 3×3 pixels. Starts as the identity.
 */
final class ConvolutionalCoupling {
  /** By what the logarithms of output scales are multiplied. */
  private static final double SCALE_FACTOR = 3;

  /** Largest |log scale|, in nats. */
  private static final double BOUND = 2;

  private static final int MOST_WIDTH = 65_536;

  private ConvolutionalCoupling() {}

  /** Refuses an impossible number of channels. */
  static void requireWidth(int width) {
    if (width < 1 || width > MOST_WIDTH) {
      throw new IllegalArgumentException("width is " + width + ", expected 1 to " + MOST_WIDTH);
    }
  }

  /**
   * @param width channels within the network
   * @param slope of a leaky ReLU below zero; other activations have none
   */
  static Coupling of(Shape image, int width, Activation.Kind activation, double slope) {
    CouplingSplit split = CouplingSplit.channels(image, image.channels() / 2);
    return new Coupling(
        split,
        AffineTransform.bounded(BOUND),
        List.of(network(split.networkShape(), image, width, activation, slope)));
  }

  /** Gives the logarithm of a scale and a translation of each transformed channel, side by side. */
  private static DifferentiableMap network(
      Shape input, Shape image, int width, Activation.Kind kind, double slope) {
    Shape hidden = new Shape(width, image.height(), image.width());
    int out = 2 * (image.channels() - input.channels());
    return new Composition(
        List.of(
            new ConvolutionMap(input, width, 3),
            activation(hidden.size(), kind, slope),
            new ConvolutionMap(hidden, width, 1),
            activation(hidden.size(), kind, slope),
            new ConvolutionMap(hidden, out, 3, Initializers.constant(0), Initializers.constant(0)),
            new ChannelScale(new Shape(out, image.height(), image.width()), SCALE_FACTOR)));
  }

  private static Activation activation(int size, Activation.Kind kind, double slope) {
    return kind == Activation.Kind.LEAKY_RELU
        ? Activation.leakyRelu(size, slope)
        : new Activation(kind, size);
  }
}
