package org.ebflow.flow;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.ColumnRange;
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
import org.ebflow.flow.layer.MaskedAffineCoupling;
import org.ebflow.flow.layer.Mlp;
import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.linalg.Matrix;
import org.junit.jupiter.params.provider.Arguments;

/**
 * Every layer of the library, for {@link LayerContractTest}: a new layer gets the whole battery by
 * one line.
 */
final class LayersUnderTest {
  private static final double[] MASK = {0, 1, 0, 1};

  private LayersUnderTest() {}

  /**
   * A layer to be tested on inputs uniform on [from,to).
   *
   * @param dimension numbers per row
   * @param layer the layer
   */
  record Subject(String name, int dimension, Layer layer, double from, double to) {
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
        onReals(
            "Dense, untrained",
            3,
            Dense.untrained(
                Matrix.of(new double[] {1, 2, 0, -1, .5, 3, 0, 1, 2}, 3, 3),
                Matrix.of(new double[] {.1, -2, 3}, 1, 3))),
        onReals("SmoothLeakyRelu", 4, new SmoothLeakyRelu(.3, false)),
        onReals("SmoothLeakyRelu, residual", 4, new SmoothLeakyRelu(.3, true)),
        onReals("ActNorm", 4, new ActNorm(4)),
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
        onReals("ColumnPermutation, squeeze", 8, ColumnPermutation.squeeze(new Shape(2, 2, 2))),
        onReals(
            "ColumnPermutation, split", 8, ColumnPermutation.splitChannels(new Shape(2, 2, 2), 1)),
        new Subject("Logit", 4, new Logit(.7), .25, .75),
        onReals("ElementwiseLayer", 4, new ElementwiseLayer(new Sinh())));
  }

  /** Every transform with every split, with one network and with one for each parameter. */
  static Stream<Subject> couplings() {
    Shape image = new Shape(2, 2, 2);
    return Stream.of(
            CouplingSplit.mask(MASK),
            CouplingSplit.columns(5, 3, 0, 2),
            CouplingSplit.firstHalf(3),
            CouplingSplit.channels(image, 1))
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
        split.dimension(),
        new Coupling(split, transform, maps));
  }

  /** Every map as the network of an additive coupling, whose derivatives are the map's. */
  private static Stream<Subject> networks() {
    return MapsUnderTest.all()
        .map(
            subject -> {
              int inputs = subject.map().inputs();
              int dimension = inputs + subject.map().outputs();
              int[] conditioning = IntStream.range(0, inputs).toArray();
              return onReals(
                  "Coupling by " + subject,
                  dimension,
                  new Coupling(
                      CouplingSplit.columns(dimension, conditioning),
                      new AdditiveTransform(),
                      List.of(subject.map())));
            });
  }

  /** Layers with weights so large that the workers of a team share the columns of each product. */
  static Stream<Subject> wide() {
    return Stream.of(
        onReals("Dense, wide", 130, new Dense(130)),
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

  private static Subject onReals(String name, int dimension, Layer layer) {
    return new Subject(name, dimension, layer, -2, 2);
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
