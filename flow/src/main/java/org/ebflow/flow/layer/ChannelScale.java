package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.jspecify.annotations.Nullable;

/**
 * A learned scale for each channel of an image, y = x·e^(f·a), after the last convolution of a
 * network.
 *
 * <p>Source: Kingma and Dhariwal 2018 (Glow), published code, with f = 3; jets:
 * docs/derivations/coupling.md.
 *
 * <p>Shapes (row-major, channels last): x, y [batch,P·C] per order with P pixels and C channels; a
 * [1,C], zero at the start. Cost: one multiplication per number and order. Keeps its output.
 * Threading: immutable.
 */
public final class ChannelScale implements DifferentiableMap {
  static final String TYPE = "channel_scale";
  private static final int SCALE = 0;
  private static final int CHANNEL_SCALE = 1;
  private static final int PRODUCTS = 0;

  private final Shape image;
  private final double factor;
  private final Parameter logScale;

  /**
   * Starts as the identity.
   *
   * @param factor f, by which a learns faster
   */
  public ChannelScale(Shape image, double factor) {
    if (!(factor > 0 && factor <= 100)) {
      throw new IllegalArgumentException(
          "ChannelScale: factor is " + factor + ", expected 0 < factor <= 100");
    }
    this.image = image;
    this.factor = factor;
    logScale = new Parameter("log_scale", 1, image.channels(), Initializers.constant(0));
  }

  static ChannelScale of(Description description, Shape input) {
    return new ChannelScale(input, description.number("factor"));
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE, "factor", factor);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(logScale);
  }

  @Override
  public int inputs() {
    return image.size();
  }

  @Override
  public int outputs() {
    return image.size();
  }

  /** An image stays one. */
  @Override
  public Shape outputShape(Shape input) {
    return image.require(this, input);
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    RowKernels rows = kept.kernels().rows();
    Matrix scale = kept.row(SCALE, image.size());
    if (fromOrder == 0) {
      Matrix ofChannels = kept.row(CHANNEL_SCALE, image.channels());
      rows.combine(-factor, kept.value(logScale), 0, kept.value(logScale), ofChannels);
      rows.expNegative(ofChannels, ofChannels);
      rows.repeatColumns(ofChannels, scale); // e^(f·a)
    }
    for (int k = fromOrder; k <= toOrder; k++) {
      rows.scaleColumns(x.stream(k), scale, y.stream(k)); // y_k = x_k e^(f·a)
    }
    kept.keep(y);
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    RowKernels rows = kept.kernels().rows();
    if (gradients != null) {
      Jet products = kept.jet(PRODUCTS, image.size());
      for (int k = 0; k <= yBar.order(); k++) { // ā = f·Σ_k Σ ȳ_k y_k
        rows.product(yBar.stream(k), kept.jet().stream(k), products.stream(k));
        gradients.addColumnSums(logScale, factor, products.byPixel(image.pixels()), k);
      }
    }
    Matrix scale = kept.row(SCALE, image.size());
    for (int k = 0; k <= toOrder; k++) { // y_k = x_k e^(f·a)   x̄_k = ȳ_k e^(f·a)
      rows.scaleColumns(yBar.stream(k), scale, xBar.stream(k));
    }
  }

  @Override
  public String toString() {
    return "ChannelScale(" + image.channels() + " channels)";
  }
}
