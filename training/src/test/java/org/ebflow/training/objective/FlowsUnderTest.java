package org.ebflow.training.objective;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.Affine;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.ColumnRange;
import org.ebflow.flow.layer.Composition;
import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.ConvolutionMap;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.CouplingSplit;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Logit;
import org.ebflow.flow.layer.Mlp;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.NormalisedAffine;
import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.flow.model.ConvolutionalConfig;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.model.LinearConfig;
import org.ebflow.flow.model.PatchesConfig;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;

/** Small flows with random weights, one of each kind of model. */
public final class FlowsUnderTest {
  /** Purposes that the library does not use. */
  private static final int WEIGHTS = 101;

  private static final int DATA = 102;

  private static final Map<String, Supplier<Flow>> KINDS = kinds();

  private FlowsUnderTest() {}

  /** One of each kind, float64. */
  public static Map<String, Flow> all() {
    Map<String, Flow> flows = new LinkedHashMap<>();
    KINDS.forEach((name, flow) -> flows.put(name, flow.get()));
    return flows;
  }

  /** A new one of that kind, whose weights may be changed. */
  public static Flow named(String name) {
    return Objects.requireNonNull(KINDS.get(name)).get();
  }

  private static Map<String, Supplier<Flow>> kinds() {
    Map<String, Supplier<Flow>> flows = new LinkedHashMap<>();
    flows.put("fc", () -> fullyConnected(5, false));
    flows.put("fc residual", () -> fullyConnected(5, true));
    flows.put(
        "coupling 2-D",
        () ->
            random(
                new CouplingConfig(2, 4, 1, Activation.Kind.ELU).build(2, Precision.FLOAT64, 3)));
    flows.put(
        "coupling 3-D",
        () ->
            random(
                new CouplingConfig(1, 4, 2, Activation.Kind.SWISH).build(3, Precision.FLOAT64, 4)));
    flows.put(
        "coupling, weight normalisation",
        () ->
            random(
                new CouplingConfig(2, 4, 2, Activation.Kind.SWISH, true)
                    .build(2, Precision.FLOAT64, 5)));
    for (CouplingConfig.Transform transform : CouplingConfig.Transform.values()) {
      flows.put(
          "coupling, transform " + transform,
          () ->
              random(
                  new CouplingConfig(
                          2, 4, 1, Activation.Kind.TANH, false, transform, Init.PUBLISHED)
                      .build(3, Precision.FLOAT64, 8)));
    }
    flows.put(
        "spline",
        () ->
            random(
                new SplineConfig(2, 3, 1.5, MonotoneSpline.Tails.FREE)
                    .build(3, Precision.FLOAT64, 6)));
    flows.put("patches", () -> random(patches(Precision.FLOAT64)));
    flows.put("patches with couplings", () -> random(patchesWithCouplings(Precision.FLOAT64), .1));
    flows.put("cnn", () -> random(convolutions(new Shape(1, 4, 2), Precision.FLOAT64)));
    flows.put(
        "convolutional networks",
        () -> random(networks(new Shape(2, 2, 3), 3, Activation.Kind.TANH, Precision.FLOAT64)));
    for (LinearConfig.Weights weights : LinearConfig.Weights.values()) {
      if (weights != LinearConfig.Weights.FULL) {
        flows.put(
            "linear " + weights + ", dense at the end",
            () ->
                random(
                    Flow.of(3)
                        .precision(Precision.FLOAT64)
                        .layer(
                            new Sequence(
                                3,
                                new LinearConfig(1, weights, .3, Init.IDENTITY)
                                    .build(3, Precision.FLOAT64, 9)
                                    .layers()))
                        .dense()
                        .build()));
      }
    }
    flows.put(
        "convolutions, spectral normalisation",
        () -> random(normalisedConvolutions(Precision.FLOAT64), .1));
    flows.put("coupling, every transform", () -> random(couplings(Precision.FLOAT64)));
    flows.put("multi-scale", () -> random(multiScale(new Shape(1, 4, 4), Precision.FLOAT64)));
    flows.put("glow", () -> random(glow(Activation.Kind.LEAKY_RELU, false)));
    flows.put("glow, LU-factored", () -> random(glow(Activation.Kind.LEAKY_RELU, true)));
    flows.put("smooth glow", () -> random(glow(Activation.Kind.SWISH, false), .1));
    flows.put(
        "logit in front",
        () ->
            fullyConnected(4, false).after(List.of(FixedAffine.uniform(4, .3, .5), new Logit(.7))));
    flows.put(
        "sinh",
        () ->
            random(
                Flow.of(3)
                    .precision(Precision.FLOAT64)
                    .dense()
                    .elementwise(new Sinh())
                    .dense()
                    .build()));
    return flows;
  }

  /** Block-diagonal layers and splines on images of two channels. */
  public static Flow patches(Precision precision) {
    return new PatchesConfig(1, 1, 3, 1.5, MonotoneSpline.Tails.FREE)
        .build(new Shape(2, 1, 2), precision, 7);
  }

  /** The same with a coupling before the blocks. */
  public static Flow patchesWithCouplings(Precision precision) {
    return new PatchesConfig(
            1, 1, 1, 3, Activation.Kind.SWISH, 3, 1.5, MonotoneSpline.Tails.FREE, Init.IDENTITY)
        .build(new Shape(1, 2, 4), precision, 7);
  }

  /** Two blocks of one step, on images of two channels. */
  public static Flow glow(Activation.Kind activation, boolean luFactored) {
    return new GlowConfig(2, 1, 3, activation, luFactored, Init.PUBLISHED)
        .build(new Shape(2, 4, 4), Precision.FLOAT64, 3);
  }

  /** Convolutions, plain and with spectral normalisation, and a dense layer. */
  public static Flow normalisedConvolutions(Precision precision) {
    Shape image = new Shape(1, 4, 2);
    Shape squeezed = new Shape(4, 2, 1);
    return Flow.of(image)
        .precision(precision)
        .layer(ColumnPermutation.squeeze(image))
        .layer(new Convolution(squeezed, 3).spectrallyNormalised())
        .smoothLeakyRelu(.3)
        .layer(new Convolution(squeezed, 3))
        .smoothLeakyRelu(.3)
        .dense()
        .build();
  }

  /** Two blocks of two convolutions. */
  public static Flow convolutions(Shape image, Precision precision) {
    return new ConvolutionalConfig(2, 2, 3, .3, true).build(image, precision, 9);
  }

  /** A coupling of channels by a network of convolutions with so many hidden channels. */
  public static Flow networks(
      Shape image, int width, Activation.Kind activation, Precision precision) {
    CouplingSplit split = CouplingSplit.channels(image, 1);
    Shape hidden = new Shape(width, image.height(), image.width());
    int out = 2 * (image.channels() - 1);
    return Flow.of(image)
        .precision(precision)
        .layer(new Convolution(image, 1))
        .layer(
            new Coupling(
                split,
                AffineTransform.bounded(2),
                List.of(
                    new Composition(
                        List.of(
                            new ConvolutionMap(split.networkShape(), width, 3),
                            new Activation(activation, hidden.size()),
                            new ConvolutionMap(hidden, width, 1),
                            new Activation(activation, hidden.size()),
                            new ConvolutionMap(hidden, out, 3))))))
        .build();
  }

  /** Couplings of every transform, by one network and by several, of every kind of part. */
  public static Flow couplings(Precision precision) {
    Mlp.Settings settings = new Mlp.Settings(4, 1, Activation.Kind.TANH);
    return Flow.of(new Shape(2, 2, 1))
        .precision(precision)
        .layer(
            new Coupling(
                CouplingSplit.channels(new Shape(2, 2, 1), 1),
                AffineTransform.bounded(2),
                List.of(new Mlp(2, 4, settings))))
        .dense()
        .layer(
            new Coupling(
                CouplingSplit.columns(4, 3, 1),
                AffineTransform.published(),
                List.of(
                    new Composition(
                        List.of(
                            new Activation(Activation.Kind.SWISH, 2), new NormalisedAffine(2, 2))),
                    new Affine(2, 2))))
        .dense()
        .layer(
            new Coupling(
                CouplingSplit.mask(1, 0, 1, 1),
                new AdditiveTransform(),
                List.of(new Mlp(4, 4, settings))))
        .dense()
        .build();
  }

  /**
   * A squeeze, a step on its channels, and a split: a quarter of the channels stays behind, with a
   * prior that depends on the others, which go on through a flow of their own.
   *
   * @param image of a height and width that are multiples of 4
   */
  public static Flow multiScale(Shape image, Precision precision) {
    Shape squeezed = new Shape(4 * image.channels(), image.height() / 2, image.width() / 2);
    Shape kept = new Shape(3 * image.channels(), squeezed.height(), squeezed.width());
    Mlp.Settings settings = new Mlp.Settings(4, 1, Activation.Kind.TANH);
    int channels = squeezed.size() / 2;
    int rest = image.size() - kept.size();
    return Flow.of(image)
        .precision(precision)
        .layer(ColumnPermutation.squeeze(image))
        .layer(
            new Coupling(
                CouplingSplit.channels(squeezed, squeezed.channels() / 2),
                new AdditiveTransform(),
                List.of(new Mlp(channels, channels, settings))))
        .dense()
        .smoothLeakyRelu(.3)
        .layer(ColumnPermutation.splitChannels(squeezed, kept.channels()))
        .layer(
            new Coupling(
                CouplingSplit.columns(image.size(), IntStream.range(0, kept.size()).toArray()),
                AffineTransform.bounded(2),
                List.of(new Mlp(kept.size(), 2 * rest, settings))))
        .layer(
            new ColumnRange(
                image.size(),
                0,
                kept,
                new Sequence(
                    kept.size(),
                    List.of(
                        ColumnPermutation.squeeze(kept),
                        new ActNorm(kept.size()),
                        new SmoothLeakyRelu(.5, false),
                        new Dense(kept.size())))))
        .build();
  }

  static Flow fullyConnected(int dimension, boolean residual) {
    return random(new FullyConnectedConfig(2, .3, residual).build(dimension, Precision.FLOAT64, 1));
  }

  /** Adds normal noise to all weights that are trained. */
  static Flow random(Flow flow) {
    return random(flow, .25);
  }

  /** Of that deviation. */
  private static Flow random(Flow flow, double deviation) {
    long block = 0;
    for (Parameter parameter : flow.parameters().blocks()) {
      Matrix weights = flow.parameters().of(parameter);
      double[][] noise =
          gaussian(WEIGHTS, block++, weights.rows(), weights.columns(), deviation).toRows();
      for (int r = 0; parameter.trained() && r < weights.rows(); r++) {
        for (int c = 0; c < weights.columns(); c++) {
          weights.set(r, c, weights.get(r, c) + noise[r][c]);
        }
      }
    }
    flow.parameters().changed();
    return flow;
  }

  /**
   * A batch of normal rows; those of the flow with a logit in front stay well inside (0,1) after
   * its fixed affine layer.
   */
  public static Matrix data(Flow flow, int rows) {
    return gaussian(DATA, 0, rows, flow.dimension(), .3);
  }

  static Matrix gaussian(int purpose, long step, int rows, int columns, double deviation) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, rows, columns);
    new Noise(11).gaussian(purpose, step, 0, result);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        result.set(r, c, deviation * result.get(r, c));
      }
    }
    return result;
  }
}
