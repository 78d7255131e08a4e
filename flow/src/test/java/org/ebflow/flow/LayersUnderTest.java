package org.ebflow.flow;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.Affine;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.BlockDiagonal;
import org.ebflow.flow.layer.ChannelScale;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.ColumnRange;
import org.ebflow.flow.layer.Composition;
import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.ConvolutionMap;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.CouplingSplit;
import org.ebflow.flow.layer.CouplingTransform;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.DifferentiableMap;
import org.ebflow.flow.layer.Elementwise;
import org.ebflow.flow.layer.ElementwiseLayer;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Logit;
import org.ebflow.flow.layer.LuPointwiseConvolution;
import org.ebflow.flow.layer.MarginalGaussianization;
import org.ebflow.flow.layer.MaskedAffineCoupling;
import org.ebflow.flow.layer.Mlp;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.MonotoneSpline.Tails;
import org.ebflow.flow.layer.PointwiseConvolution;
import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.flow.layer.Triangular;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.provider.Arguments;

/**
 * Every layer of the library, for {@link LayerContractTest}: a new layer gets the whole battery by
 * one line.
 */
final class LayersUnderTest {
  private static final double[] MASK = {0, 1, 0, 1};
  private static final Shape IMAGE = new Shape(2, 2, 2);

  private LayersUnderTest() {}

  /**
   * A layer to be tested on inputs uniform on [from,to).
   *
   * @param shape of the layer's rows
   * @param layer the layer
   */
  record Subject(String name, Shape shape, Layer layer, double from, double to) {
    Subject(String name, int dimension, Layer layer, double from, double to) {
      this(name, Shape.plain(dimension), layer, from, to);
    }

    /** Numbers per row. */
    int dimension() {
      return shape.size();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Subject> all() {
    return Stream.of(plain(), couplings(), networks()).flatMap(subjects -> subjects);
  }

  private static Stream<Subject> plain() {
    return Stream.of(
        onReals("Dense", 4, new Dense(4)),
        onReals(
            "Dense, random start",
            3,
            new Dense(3, Initializers.orthogonal(), Initializers.uniformByFanIn(3))),
        onReals("BlockDiagonal", 6, new BlockDiagonal(ColumnPermutation.of(4, 0, 5, 2, 1, 3), 2)),
        onReals("BlockDiagonal, one block", 3, new BlockDiagonal(ColumnPermutation.of(0, 1, 2), 3)),
        onReals("BlockDiagonal, scales", 3, new BlockDiagonal(ColumnPermutation.of(2, 0, 1), 1)),
        onReals("BlockDiagonal, tiles", 8, BlockDiagonal.tiles(new Shape(1, 2, 4), 2, 1, 1)),
        onReals("BlockDiagonal, lattices", IMAGE, BlockDiagonal.lattices(IMAGE, 1, 2)),
        onReals(
            "Dense, untrained",
            3,
            Dense.untrained(
                Matrix.of(new double[] {1, 2, 0, -1, .5, 3, 0, 1, 2}, 3, 3),
                Matrix.of(new double[] {.1, -2, 3}, 1, 3))),
        onReals("Triangular, upper", 4, new Triangular(4, true)),
        onReals("Triangular, lower", 4, new Triangular(4, false, Initializers.orthogonal())),
        onReals(
            "Triangular, LU-factored", 3, Triangular.luFactored(3, Initializers.scaledIdentity(1))),
        convolution("Convolution", new Shape(2, 3, 3), 3),
        convolution("Convolution, larger than the image", new Shape(1, 3, 4), 7),
        convolution("Convolution, of one pixel", new Shape(4, 1, 2), 1),
        convolution("Convolution, banded LU", new Shape(1, 9, 4), 3),
        onReals(
            "Convolution, spectral normalisation",
            new Shape(2, 3, 3),
            new Convolution(new Shape(2, 3, 3), 3).spectrallyNormalised()),
        onReals(
            "Convolution, spectral normalisation, banded LU",
            new Shape(1, 9, 4),
            new Convolution(new Shape(1, 9, 4), 3).spectrallyNormalised()),
        onReals("SmoothLeakyRelu", 4, new SmoothLeakyRelu(.3, false)),
        onReals("SmoothLeakyRelu, residual", 4, new SmoothLeakyRelu(.3, true)),
        spline(3, 1, 3.5, Tails.FREE),
        spline(4, 2, 1, Tails.FROZEN),
        spline(3, 4, 1.2, Tails.FREE),
        spline(4, 15, 3.4, Tails.FROZEN),
        spline(3, 15, 2.1, Tails.FREE),
        onReals("ActNorm", 4, new ActNorm(4)),
        onReals("ActNorm, per channel", IMAGE, new ActNorm(IMAGE)),
        onReals("PointwiseConvolution", IMAGE, new PointwiseConvolution(IMAGE)),
        onReals(
            "PointwiseConvolution, three channels",
            new Shape(3, 2, 1),
            new PointwiseConvolution(new Shape(3, 2, 1))),
        onReals("LuPointwiseConvolution", IMAGE, new LuPointwiseConvolution(IMAGE)),
        onReals(
            "LuPointwiseConvolution, four channels",
            new Shape(4, 1, 2),
            new LuPointwiseConvolution(new Shape(4, 1, 2))),
        onReals("multi-scale", IMAGE, multiScale(IMAGE)),
        onReals(
            "MaskedAffineCoupling, Swish",
            4,
            new MaskedAffineCoupling(MASK, 5, 2, Activation.Kind.SWISH)),
        onReals(
            "MaskedAffineCoupling, ELU",
            4,
            new MaskedAffineCoupling(MASK, 5, 2, Activation.Kind.ELU)),
        onReals(
            "MaskedAffineCoupling, leaky ReLU",
            4,
            new MaskedAffineCoupling(MASK, 5, 2, Activation.Kind.LEAKY_RELU)),
        onReals(
            "MaskedAffineCoupling, ReLU",
            4,
            new MaskedAffineCoupling(MASK, 5, 2, Activation.Kind.RELU)),
        onReals(
            "MaskedAffineCoupling, weight normalisation",
            4,
            new MaskedAffineCoupling(MASK, 5, 2, Activation.Kind.SWISH, true)),
        onReals(
            "FixedAffine",
            3,
            new FixedAffine(new double[] {2, -.5, 1.5}, new double[] {.1, 0, -3})),
        onReals("Sequence", 3, sequence(3)),
        onReals(
            "Sequence, constant Jacobian",
            3,
            new Sequence(3, List.of(new Dense(3), new ActNorm(3)))),
        onReals("ColumnRange", 4, new ColumnRange(4, 1, Shape.plain(2), sequence(2))),
        onReals("ColumnRange, all columns", 3, new ColumnRange(3, 0, Shape.plain(3), sequence(3))),
        onReals("ColumnPermutation", 4, ColumnPermutation.of(2, 0, 3, 1)),
        onReals("ColumnPermutation, squeeze", IMAGE, ColumnPermutation.squeeze(IMAGE)),
        onReals(
            "ColumnPermutation, squeezed rows", IMAGE.size(), ColumnPermutation.squeezeRows(IMAGE)),
        onReals(
            "ColumnPermutation, unsqueeze", new Shape(8, 1, 1), ColumnPermutation.unsqueeze(IMAGE)),
        onReals("ColumnPermutation, split", IMAGE, ColumnPermutation.splitChannels(IMAGE, 1)),
        onReals("ColumnPermutation, tiles", IMAGE, ColumnPermutation.tiles(IMAGE, 1, 0, 1)),
        onReals("ColumnPermutation, lattices", IMAGE, ColumnPermutation.lattices(IMAGE, 2, 1)),
        new Subject("Logit", 4, new Logit(.7), .25, .75),
        new Subject("MarginalGaussianization, histogram", 3, histogram(), 1.1, 1.9),
        new Subject("MarginalGaussianization, quantiles", 3, quantiles(), .1, .9),
        new Subject("MarginalGaussianization, lower tail", 3, quantiles(), -4, -1.1),
        new Subject("MarginalGaussianization, upper tail", 3, quantiles(), 3.1, 6),
        onReals("ElementwiseLayer", 4, new ElementwiseLayer(new Sinh())));
  }

  private static Subject convolution(String name, Shape image, int side) {
    return onReals(name, image, new Convolution(image, side));
  }

  /** Every transform with every split, with one network and with one for each parameter. */
  static Stream<Subject> couplings() {
    return Stream.of(
            CouplingSplit.mask(MASK),
            CouplingSplit.columns(5, 3, 0, 2),
            CouplingSplit.firstHalf(3),
            CouplingSplit.channels(IMAGE, 1))
        .flatMap(
            split ->
                Stream.of(
                        AffineTransform.published(),
                        AffineTransform.bounded(1.5),
                        new AdditiveTransform())
                    .flatMap(
                        transform ->
                            IntStream.of(1, transform.parameterNames().size())
                                .distinct()
                                .mapToObj(networks -> coupling(split, transform, networks))));
  }

  private static Subject coupling(CouplingSplit split, CouplingTransform transform, int networks) {
    int inputs = split.networkShape().size();
    int outputs = split.networkOutputs(transform.parameterNames().size() / networks);
    Mlp.Settings settings = new Mlp.Settings(4, 1, Activation.Kind.SWISH);
    List<DifferentiableMap> maps =
        Stream.generate(() -> (DifferentiableMap) new Mlp(inputs, outputs, settings))
            .limit(networks)
            .toList();
    return onReals(
        "Coupling, "
            + transform.description().get("type")
            + ", "
            + split
            + ", "
            + networks
            + " networks",
        split.dimension() == IMAGE.size() ? IMAGE : Shape.plain(split.dimension()),
        new Coupling(split, transform, maps));
  }

  /** Every map as the network of an additive coupling, whose derivatives are the map's. */
  private static Stream<Subject> networks() {
    return MapsUnderTest.all()
        .map(
            subject -> {
              Coupling coupling = subject.coupling();
              Shape image = subject.shape();
              int channels = coupling.dimension() / (image.height() * image.width());
              Shape both = new Shape(channels, image.height(), image.width());
              return onReals("Coupling by " + subject, both, coupling);
            });
  }

  /** As a multi-scale model: a coupling by a network of convolutions before a split. */
  private static Sequence multiScale(Shape image) {
    Shape kept = new Shape(1, image.height(), image.width());
    Composition network =
        new Composition(
            List.of(
                new ConvolutionMap(kept, 3, 3),
                Activation.leakyRelu(3 * 4, .1),
                new ConvolutionMap(new Shape(3, 2, 2), 2, 1),
                new ChannelScale(new Shape(2, 2, 2), 2.5)));
    return new Sequence(
        image.size(),
        List.of(
            new ActNorm(image),
            new PointwiseConvolution(image),
            new Coupling(
                CouplingSplit.channels(image, 1), AffineTransform.bounded(2), List.of(network)),
            ColumnPermutation.splitChannels(image, 1),
            new ColumnRange(
                image.size(),
                0,
                kept,
                new Sequence(
                    kept.size(),
                    List.of(
                        ColumnPermutation.squeeze(kept),
                        new LuPointwiseConvolution(new Shape(4, 1, 1)))))));
  }

  /** Layers with weights so large that the workers of a team share the columns of each product. */
  static Stream<Subject> wide() {
    return Stream.of(
        onReals("Dense, wide", 130, new Dense(130)),
        onReals(
            "PointwiseConvolution, wide",
            new Shape(130, 1, 2),
            new PointwiseConvolution(new Shape(130, 1, 2))),
        onReals(
            "LuPointwiseConvolution, wide",
            new Shape(130, 2, 1),
            new LuPointwiseConvolution(new Shape(130, 2, 1))),
        onReals("Triangular, wide", 130, new Triangular(130, true)),
        onReals(
            "Coupling by an affine map with spectral normalisation, wide",
            260,
            new Coupling(
                CouplingSplit.firstHalf(260),
                new AdditiveTransform(),
                List.of(new Affine(130, 130).spectrallyNormalised()))),
        onReals("BlockDiagonal, wide", 260, BlockDiagonal.lattices(new Shape(130, 1, 2), 1, 2)),
        onReals(
            "MaskedAffineCoupling, wide",
            4,
            new MaskedAffineCoupling(MASK, 130, 2, Activation.Kind.SWISH)),
        onReals(
            "MaskedAffineCoupling, wide, weight normalisation",
            4,
            new MaskedAffineCoupling(MASK, 130, 2, Activation.Kind.ELU, true)));
  }

  /**
   * Every layer, the order of the pass and the order of the cotangents: the score's are lower than
   * the pass's.
   */
  static Stream<Arguments> withOrders() {
    return all()
        .flatMap(
            subject ->
                IntStream.rangeClosed(0, 2)
                    .boxed()
                    .flatMap(
                        pass ->
                            IntStream.rangeClosed(0, pass)
                                .mapToObj(bar -> Arguments.of(subject, pass, bar))));
  }

  /** Three columns of three cells of unequal mass, .01 outside on either side. */
  private static MarginalGaussianization histogram() {
    double[][] masses = {{.2, .5, .28}, {.6, .3, .08}, {.1, .18, .7}};
    double[][] table = new double[masses.length][];
    for (int c = 0; c < table.length; c++) {
      double[] p = masses[c];
      table[c] =
          new double[] {
            .01, .01 + p[1] + p[2], p[0], .01 + p[0], .01 + p[2], p[1], .99 - p[2], .01, p[2]
          };
    }
    return new MarginalGaussianization(
        MarginalGaussianization.Form.HISTOGRAM, Matrix.ofRows(Precision.FLOAT64, table));
  }

  /** Three columns of four knots at -1, 0, 1 and 3, with unequal slopes and curvatures. */
  private static MarginalGaussianization quantiles() {
    double[][] table = {
      {-1, -2, .7, 0, -.5, .9, 1, .8, 1.1, 3, 1.5, .4, .5, .25},
      {-1, -1, 1.5, 0, 0, .6, 1, .4, .8, 3, 2, .9, .25, 1},
      {-1, -3, 2.5, 0, -1, 1, 1, .8, 2.5, 3, 2.5, .4, 1, .25}
    };
    return new MarginalGaussianization(
        MarginalGaussianization.Form.QUANTILES, Matrix.ofRows(Precision.FLOAT64, table));
  }

  /** Layers of both kinds, the first and the last of one each. */
  private static Sequence sequence(int dimension) {
    double[] mask = new double[dimension];
    mask[0] = 1;
    return new Sequence(
        dimension,
        List.of(
            new MaskedAffineCoupling(mask, 5, 1, Activation.Kind.SWISH),
            new ActNorm(dimension),
            new SmoothLeakyRelu(.3, false),
            new Dense(dimension)));
  }

  /**
   * On inputs that reach the tails of the narrow ones. No input lies within a difference's step of
   * a knot, where f'''' jumps.
   */
  private static Subject spline(int dimension, int intervals, double range, Tails tails) {
    return new Subject(
        "MonotoneSpline, " + intervals + " intervals to " + range + ", " + tails,
        dimension,
        new MonotoneSpline(dimension, intervals, range, tails),
        -4,
        4);
  }

  private static Subject onReals(String name, int dimension, Layer layer) {
    return onReals(name, Shape.plain(dimension), layer);
  }

  private static Subject onReals(String name, Shape shape, Layer layer) {
    return new Subject(name, shape, layer, -2, 2);
  }

  /** A function of a user's own. */
  record Sinh() implements Elementwise {
    @Override
    public double value(double x) {
      return Math.sinh(x);
    }

    @Override
    public double first(double x) {
      return Math.cosh(x);
    }

    @Override
    public double second(double x) {
      return Math.sinh(x);
    }

    @Override
    public double third(double x) {
      return Math.cosh(x);
    }

    @Override
    public double fourth(double x) {
      return Math.sinh(x);
    }

    @Override
    public double inverse(double y) {
      return Math.signum(y) * Math.log(Math.abs(y) + Math.hypot(y, 1));
    }
  }
}
