package org.ebflow.flow.model;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.PointwiseConvolution;
import org.ebflow.flow.layer.Shape;

/**
 * For images: {@link PatchesConfig} with the couplings of {@link GlowConfig} before each of its
 * repeated groups. Blocks on patches relate pixels linearly, couplings as they need. Starts as the
 * identity.
 *
 * <p>The couplings of a group stand between a squeeze and its inverse. Behind each is an invertible
 * 1×1 convolution that starts as a rotation of the channels by one, the last as the rotation back.
 *
 * @param repeats how often couplings and the three block-diagonal layers come, 1 to 300
 * @param side of a patch in pixels, as in {@link PatchesConfig}
 * @param couplings of each group, 1 to 100
 * @param width channels within the networks of couplings
 * @param activation of these networks, as in {@link GlowConfig}
 * @param intervals intervals between the first and the last knot of each spline
 * @param range the knots lie between -range and range
 * @param tails whether the outermost slopes of each spline are trained
 * @param init identity or whitening
 */
public record PatchCouplingConfig(
    int repeats,
    int side,
    int couplings,
    int width,
    Activation.Kind activation,
    int intervals,
    double range,
    MonotoneSpline.Tails tails,
    Init init)
    implements ModelConfig {
  private static final int MOST_COUPLINGS = 100;
  private static final int MOST_WIDTH = 65_536;

  /** Slope below zero of leaky ReLUs. */
  private static final double SLOPE = .1;

  /** Refuses impossible values. */
  public PatchCouplingConfig {
    new PatchesConfig(repeats, side, intervals, range, tails, init); // has the same limits
    if (Math.min(couplings, width) < 1 || couplings > MOST_COUPLINGS || width > MOST_WIDTH) {
      throw new IllegalArgumentException(
          "couplings and width are "
              + couplings
              + ", "
              + width
              + ", expected 1 to "
              + MOST_COUPLINGS
              + ", "
              + MOST_WIDTH);
    }
  }

  @Override
  public String type() {
    return "patch_coupling";
  }

  /**
   * @throws IllegalArgumentException if the rows are no images of even height and width
   */
  @Override
  public Flow.Builder layers(Shape input) {
    ModelConfig.requireImage(type(), input);
    ModelConfig.requireHalves(type(), 1, input, 1);
    return new PatchesConfig(repeats, side, intervals, range, tails, init)
        .layers(type(), input, couplings(input));
  }

  private List<Layer> couplings(Shape input) {
    ColumnPermutation squeeze = ColumnPermutation.squeezeRows(input);
    Shape image = squeeze.outputShape(input);
    List<Layer> result = new ArrayList<>();
    result.add(squeeze);
    for (int i = 1; i <= couplings; i++) {
      result.add(ConvolutionalCoupling.of(image, width, activation, SLOPE));
      int turn = i < couplings ? 1 : Math.floorMod(1 - couplings, image.channels());
      result.add(new PointwiseConvolution(image, Initializers.rotation(turn)));
    }
    result.add(ColumnPermutation.unsqueeze(input));
    return result;
  }
}
