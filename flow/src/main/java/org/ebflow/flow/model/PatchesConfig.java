package org.ebflow.flow.model;

import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.BlockDiagonal;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.PointwiseConvolution;
import org.ebflow.flow.layer.Shape;

/**
 * For images: a dense layer, then repeated block-diagonal layers on patches, on patches of a
 * shifted tiling and on strided patches, then a dense layer; a monotone spline between any two. If
 * asked for, couplings by convolutions stand before each repeated group: blocks relate pixels
 * linearly, couplings by networks. Starts as the identity. Exact maximum likelihood costs little
 * more than the products.
 *
 * <p>A patch has s×s pixels. The shifted tiling is moved by ⌊s/2⌋ pixels down and ⌈s/2⌉ to the
 * right, with wrap. A strided patch has as many pixels as a patch, h/s and w/s apart in an image of
 * h×w, so the block-diagonal layers are all of one size. For 28×28 and s = 7: 16 patches, shifted
 * by (3, 4), and strided patches of pixels 4 apart.
 *
 * <p>The couplings of a group are those of {@link GlowConfig}, between a squeeze and its inverse.
 * Behind each is an invertible 1×1 convolution, which starts as a rotation of the channels by one;
 * the last starts as the rotation back.
 *
 * @param repeats how often the three block-diagonal layers come, 1 to 300
 * @param side s, the side of a patch in pixels. Where it does not divide both sides of the image:
 *     the nearest that does and leaves more than one patch, the smaller of two as near
 * @param couplings before each repeated group, 0 to 100
 * @param width channels within the networks of couplings
 * @param activation of these networks, as in {@link GlowConfig}
 * @param intervals intervals between the first and the last knot of each spline
 * @param range the knots lie between -range and range
 * @param tails whether the outermost slopes of each spline are trained
 * @param init identity or whitening
 */
public record PatchesConfig(
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
  private static final int MOST_REPEATS = 300;
  private static final int MOST_COUPLINGS = 100;

  /** Slope below zero of leaky ReLUs. */
  private static final double SLOPE = .1;

  /** Refuses impossible values. */
  public PatchesConfig {
    if (repeats < 1 || repeats > MOST_REPEATS) {
      throw new IllegalArgumentException(
          "repeats is " + repeats + ", expected 1 to " + MOST_REPEATS);
    }
    if (side < 1) {
      throw new IllegalArgumentException("side is " + side + ", expected at least 1");
    }
    if (couplings < 0 || couplings > MOST_COUPLINGS) {
      throw new IllegalArgumentException(
          "couplings is " + couplings + ", expected 0 to " + MOST_COUPLINGS);
    }
    ConvolutionalCoupling.requireWidth(width);
    MonotoneSpline.check(intervals, range, tails);
    ModelConfig.requireStartAtIdentity(init);
  }

  /** Without couplings. */
  public PatchesConfig(
      int repeats, int side, int intervals, double range, MonotoneSpline.Tails tails, Init init) {
    this(repeats, side, 0, 64, Activation.Kind.LEAKY_RELU, intervals, range, tails, init);
  }

  /** Without couplings and without a whitening map. */
  public PatchesConfig(
      int repeats, int side, int intervals, double range, MonotoneSpline.Tails tails) {
    this(repeats, side, intervals, range, tails, Init.IDENTITY);
  }

  @Override
  public String type() {
    return "patches";
  }

  /**
   * @throws IllegalArgumentException if the rows are no images of more than one pixel, or have odd
   *     sides where there are couplings
   */
  @Override
  public Flow.Builder layers(Shape input) {
    ModelConfig.requireImage(type(), input);
    if (couplings > 0 && (input.height() % 2 != 0 || input.width() % 2 != 0)) {
      throw new IllegalArgumentException(
          "model patches with couplings: images are " + input + ", expected even height and width");
    }
    int s = sideFor(input);
    Flow.Builder builder = Flow.of(input).layer(Dense.identity(input.size()));
    for (int i = 0; i < repeats; i++) {
      addCouplings(builder, input);
      addLinear(builder, BlockDiagonal.tiles(input, s, 0, 0));
      addLinear(builder, BlockDiagonal.tiles(input, s, s / 2, s - s / 2));
      addLinear(builder, BlockDiagonal.lattices(input, input.height() / s, input.width() / s));
    }
    addLinear(builder, Dense.identity(input.size()));
    return builder;
  }

  private void addCouplings(Flow.Builder builder, Shape input) {
    if (couplings == 0) {
      return;
    }
    ColumnPermutation squeeze = ColumnPermutation.squeezeRows(input);
    Shape image = squeeze.outputShape(input);
    builder.layer(squeeze);
    for (int i = 1; i <= couplings; i++) {
      builder.layer(ConvolutionalCoupling.of(image, width, activation, SLOPE));
      int turn = i < couplings ? 1 : Math.floorMod(1 - couplings, image.channels());
      builder.layer(new PointwiseConvolution(image, Initializers.rotation(turn)));
    }
    builder.layer(ColumnPermutation.unsqueeze(input));
  }

  private void addLinear(Flow.Builder builder, Layer linear) {
    builder.layer(new MonotoneSpline(linear.dimension(), intervals, range, tails)).layer(linear);
  }

  /** The side of a patch for images of that shape. */
  int sideFor(Shape image) {
    int best = 1;
    for (int s = 2; s <= Math.min(image.height(), image.width()); s++) {
      boolean fits = image.height() % s == 0 && image.width() % s == 0;
      boolean several = s < Math.max(image.height(), image.width());
      if (fits && several && Math.abs(s - side) < Math.abs(best - side)) {
        best = s;
      }
    }
    return best;
  }
}
