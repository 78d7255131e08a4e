package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Workspace;
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
  private static final int PULL_BACK = 3;
  private static final int BIAS = 0;
  private static final int PIXEL_SUMS = 1;
  private static final int MEMORY = 2;

  final Parameter weight;
  final @Nullable Parameter bias;
  private final ConvolutionShape shape;
  private final @Nullable SpectralNormalisation spectral;

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
    this(
        shape,
        Parameter.weight(
            "weight", shape.out(), shape.taps(), start, ConvolutionProducts.operands(shape)),
        bias,
        null);
  }

  private ConvolutionMap(
      ConvolutionShape shape,
      Parameter weight,
      @Nullable Parameter bias,
      @Nullable SpectralNormalisation spectral) {
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
    SpectralNormalisation normalised = new SpectralNormalisation(weight);
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
    return SpectralNormalisation.in(description) ? plain.spectrallyNormalised() : plain;
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
    return SpectralNormalisation.describe(spectral, plain);
  }

  @Override
  public List<Parameter> parameters() {
    return SpectralNormalisation.parameters(spectral, weight, bias);
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
    new Shape(shape.in(), shape.height(), shape.width()).require(this, input);
    return new Shape(shape.out(), shape.height(), shape.width());
  }

  /** Sizes of images and of the square, and the numbers of channels. */
  ConvolutionShape convolutionShape() {
    return shape;
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    ConvolutionProducts products = products(kept);
    if (fromOrder == 0) {
      products.start(kept.value(weight));
    }
    for (int k = fromOrder; k <= toOrder; k++) {
      products.forward(x, y, k); // y_k = W x_k
    }
    if (bias != null && fromOrder == 0) {
      kept.kernels().rows().addToRows(y.stream(0), biasOfPixels(kept)); // y_0 += b
    }
    kept.keep(x);
  }

  private ConvolutionProducts products(Workspace kept) {
    Sum sum = kept.object(SUM, Sum::new);
    if (sum.products == null) {
      sum.products = ConvolutionProducts.of(shape, weight, kept, MEMORY);
    }
    return sum.products;
  }

  /** b for every pixel, [1,outputs]. */
  Matrix biasOfPixels(Workspace kept) {
    Matrix values = kept.value(Objects.requireNonNull(bias));
    Matrix row = kept.row(BIAS, outputs());
    kept.kernels().rows().repeatColumns(values, row);
    return row;
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    ConvolutionProducts products = products(kept);
    if (gradients != null && gradients.wants(weight)) {
      Sum term = kept.object(SUM, Sum::new);
      term.note(this, yBar, kept);
      gradients.add(term);
      if (spectral != null) {
        spectral.notePullBack(PULL_BACK, kept, gradients); // W = V/σ
      }
    }
    for (int k = 0; k <= yBar.order(); k++) {
      if (k <= toOrder) {
        products.backward(yBar, xBar, k); // y_k = W x_k  x̄_k = Wᵀ ȳ_k
      } else if (k < yBar.order() || !kept.afterScore()) {
        products.keep(yBar, k); // that of the score is kept since its pass
      }
    }
  }

  @Override
  public boolean readsInputAgain(Workspace kept) {
    return !products(kept).keepsInput();
  }

  @Override
  public boolean readsOutputAgain() {
    return false;
  }

  /** The bias's gradient sums them, and the weight's does where it has no copies of them. */
  @Override
  public boolean readsCotangentsAgain(Workspace kept, boolean gradients) {
    return gradients || !products(kept).keepsCotangents();
  }

  /**
   * What computes the products of one worker's pass, and the sums over all pixels of all rows: W̄
   * += Σ_k of the products of ȳ_k and x_k, b̄ += Σ ȳ_0.
   */
  @SuppressWarnings("NullAway.Init") // set when it is noted
  private static final class Sum implements Gradients.Term {
    private ConvolutionMap map;
    private ConvolutionProducts products;
    private Jet x;
    private Jet yBar;
    private Matrix pixelSums;
    private Matrix channelsOfPixels;

    void note(ConvolutionMap noted, Jet newYBar, Workspace kept) {
      if (pixelSums == null) {
        pixelSums = kept.row(PIXEL_SUMS, noted.outputs());
        channelsOfPixels = pixelSums.reshape(noted.shape.pixels(), noted.shape.out());
      }
      map = noted;
      x = kept.jet();
      yBar = newYBar;
    }

    @Override
    public void sumInto(Gradients gradients) {
      products.addWeightGradient(
          gradients.worker(), gradients.isFirst(map.weight), yBar, x, gradients.of(map.weight));
      if (map.bias != null) {
        addBiasGradient(map.bias, gradients);
      }
    }

    /** The workers share the channels, or the first has the only one. */
    private void addBiasGradient(Parameter bias, Gradients gradients) {
      int from = gradients.worker().from(bias.columns());
      int to = gradients.worker().to(bias.columns());
      if (gradients.isFirst(bias)) {
        gradients.zero(bias, from, to);
      }
      if (to > from) {
        RowKernels rows = gradients.compute().kernels().rows();
        pixelSums.fill(0);
        rows.addColumnSums(1, yBar.whole(0, 0), pixelSums, 0, map.outputs());
        rows.addColumnSums(1, channelsOfPixels, gradients.of(bias), from, to);
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
