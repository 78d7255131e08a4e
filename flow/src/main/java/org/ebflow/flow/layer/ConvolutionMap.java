package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ConvolutionKernels;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.jspecify.annotations.Nullable;

/**
 * Convolution of images by k×k pixels, stride 1, with zeros around the image so that its size
 * stays: y(p) = Σ_q W_q x(p+q) + b over the k² offsets q of a pixel's square, a cross-correlation
 * as in other libraries.
 *
 * <p>Shapes (row-major, channels last): x [batch,H·W·in] per order, W [out,k²·in] with column
 * (v·k+u)·in + c for channel c of the pixel v - (k-1)/2 below and u - (k-1)/2 to the right, b
 * [1,out], y [batch,H·W·out] per order.
 *
 * <p>Jets: as those of any affine map (docs/derivations/dense.md). Cost: 2·k²·in·out FLOP per
 * pixel, row and order. Keeps nothing but a reference to its input.
 */
public final class ConvolutionMap implements DifferentiableMap {
  static final String TYPE = "convolution";
  private static final int SUM = 0;
  private static final int PULL_BACK = 1;
  private static final int PIXEL_SUMS = 0;

  final Parameter weight;
  final @Nullable Parameter bias;
  private final ConvolutionShape shape;
  private final @Nullable SpectralNormalization spectral;

  /** Weight and bias start uniform on ±1/√(k²·in). */
  public ConvolutionMap(Shape image, int out, int side) {
    this(
        image,
        out,
        side,
        Initializers.uniformByFanIn(fanIn(image, side)),
        Initializers.uniformByFanIn(fanIn(image, side)));
  }

  /**
   * With that start.
   *
   * @param image shape of the input
   * @param out channels of the output
   * @param side k, odd
   * @param bias start of the bias, null for a map without one
   */
  public ConvolutionMap(
      Shape image, int out, int side, Initializer weight, @Nullable Initializer bias) {
    this(
        new ConvolutionShape(image.height(), image.width(), image.channels(), out, side),
        weight,
        bias == null ? null : new Parameter("bias", 1, out, bias));
  }

  private ConvolutionMap(ConvolutionShape shape, Initializer start, @Nullable Parameter bias) {
    this(shape, new Parameter("weight", shape.out(), shape.taps(), start), bias, null);
  }

  private ConvolutionMap(
      ConvolutionShape shape,
      Parameter weight,
      @Nullable Parameter bias,
      @Nullable SpectralNormalization spectral) {
    this.shape = shape;
    this.weight = weight;
    this.bias = bias;
    this.spectral = spectral;
  }

  /** The same map with spectral normalisation of W, as {@link Affine#spectrallyNormalised}. */
  public ConvolutionMap spectrallyNormalised() {
    if (spectral != null) {
      return this;
    }
    SpectralNormalization normalised =
        new SpectralNormalization(
            weight.rows(), weight.columns(), weight.initializer(), weight.operand());
    return new ConvolutionMap(shape, normalised.weight(), bias, normalised);
  }

  private static int fanIn(Shape image, int side) {
    return Math.multiplyExact(Math.multiplyExact(side, side), image.channels());
  }

  static ConvolutionMap of(Description description, Shape input) {
    int side = description.count("side");
    boolean biased = !description.has("bias") || description.flag("bias");
    Initializer start = Initializers.uniformByFanIn(fanIn(input, side));
    ConvolutionMap plain =
        new ConvolutionMap(input, description.count("out"), side, start, biased ? start : null);
    return SpectralNormalization.in(description) ? plain.spectrallyNormalised() : plain;
  }

  /** Whether there is a bias is said only where there is none. */
  @Override
  public Map<String, Object> description() {
    return describe(
        bias == null
            ? Description.of(TYPE, "out", shape.out(), "side", shape.side(), "bias", false)
            : Description.of(TYPE, "out", shape.out(), "side", shape.side()));
  }

  /** A description of a layer that is this map, which says whether W is normalised. */
  Map<String, Object> describe(Map<String, Object> plain) {
    return SpectralNormalization.describe(spectral, plain);
  }

  @Override
  public List<Parameter> parameters() {
    return SpectralNormalization.parameters(spectral, weight, bias);
  }

  @Override
  public int inputs() {
    return shape.inputs();
  }

  @Override
  public int outputs() {
    return shape.outputs();
  }

  @Override
  public Shape outputShape(Shape input) {
    Shape expected = new Shape(shape.in(), shape.height(), shape.width());
    if (!input.equals(expected)) {
      throw new IllegalArgumentException(this + ": rows are " + input + ", expected " + expected);
    }
    return new Shape(shape.out(), shape.height(), shape.width());
  }

  /** Sizes of images, channels and the square. */
  ConvolutionShape convolutionShape() {
    return shape;
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    ConvolutionKernels kernels = kept.kernels().convolution();
    for (int k = fromOrder; k <= toOrder; k++) {
      Matrix start = bias != null && k == 0 ? kept.value(bias) : null;
      kernels.convolve(shape, x.stream(k), kept.value(weight), start, y.stream(k));
    }
    kept.keep(x);
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    if (gradients != null && gradients.wants(weight)) {
      Sum term = kept.object(SUM, Sum::new);
      term.note(this, yBar, kept);
      gradients.add(term);
      if (spectral != null) {
        spectral.notePullBack(PULL_BACK, kept, gradients); // W = V/σ
      }
    }
    for (int k = 0; k <= toOrder; k++) { // y_k = W x_k  x̄_k = Wᵀ ȳ_k
      kept.kernels()
          .convolution()
          .convolveTransposed(shape, yBar.stream(k), kept.value(weight), xBar.stream(k));
    }
  }

  /**
   * W̄ += Σ_k of the products of ȳ_k and x_k, and b̄ += Σ ȳ_0, over all pixels of all rows; the
   * workers share the output channels.
   */
  @SuppressWarnings("NullAway.Init") // set when it is noted
  private static final class Sum implements Gradients.Term {
    private ConvolutionMap map;
    private Jet x;
    private Jet yBar;
    private Matrix pixelSums;
    private Matrix channelsOfPixels;

    void note(ConvolutionMap noted, Jet newYBar, Workspace kept) {
      if (pixelSums == null) {
        pixelSums = kept.row(PIXEL_SUMS, noted.shape.outputs());
        channelsOfPixels = pixelSums.reshape(noted.shape.pixels(), noted.shape.out());
      }
      map = noted;
      x = kept.jet();
      yBar = newYBar;
    }

    @Override
    public void sumInto(Gradients gradients) {
      ConvolutionShape shape = map.shape;
      int from = gradients.worker().from(shape.out());
      int to = gradients.worker().to(shape.out());
      Matrix weightBar = gradients.of(map.weight);
      if (gradients.isFirst(map.weight)) {
        for (int o = from; o < to; o++) {
          for (int i = 0; i < shape.taps(); i++) {
            weightBar.set(o, i, 0);
          }
        }
      }
      for (int k = 0; k <= yBar.order(); k++) {
        gradients
            .compute()
            .kernels()
            .convolution()
            .addWeightGradient(shape, yBar.whole(k, k), x.whole(k, k), weightBar, from, to);
      }
      if (map.bias != null) {
        if (gradients.isFirst(map.bias)) {
          gradients.zero(map.bias, from, to);
        }
        RowKernels rows = gradients.compute().kernels().rows();
        pixelSums.fill(0);
        rows.addColumnSums(1, yBar.whole(0, 0), pixelSums, 0, shape.outputs());
        rows.addColumnSums(1, channelsOfPixels, gradients.of(map.bias), from, to);
      }
    }
  }

  @Override
  public String toString() {
    return "ConvolutionMap("
        + shape.side()
        + "x"
        + shape.side()
        + ", "
        + shape.in()
        + " to "
        + shape.out()
        + " channels)";
  }
}
