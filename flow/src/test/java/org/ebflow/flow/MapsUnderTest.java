package org.ebflow.flow;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.Affine;
import org.ebflow.flow.layer.Composition;
import org.ebflow.flow.layer.ConvolutionMap;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.CouplingSplit;
import org.ebflow.flow.layer.Description;
import org.ebflow.flow.layer.DifferentiableMap;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.layer.Mlp;
import org.ebflow.flow.layer.NormalisedAffine;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Every differentiable map of the library, and one of a user's own, for {@link MapContractTest}
 * and, as networks of additive couplings, for the battery of {@link LayersUnderTest}.
 */
final class MapsUnderTest {
  private MapsUnderTest() {}

  /**
   * A map to be tested.
   *
   * @param shape of its input rows
   * @param formula its value of one row, by plain arithmetic with those weights
   */
  record Subject(String name, DifferentiableMap map, Shape shape, Formula formula) {
    Subject(String name, DifferentiableMap map, Formula formula) {
      this(name, map, Shape.plain(map.inputs()), formula);
    }

    /** The map as the network of an additive coupling, whose derivatives are the map's. */
    Coupling coupling() {
      Shape output = map.outputShape(shape);
      int channels = shape.channels() + output.channels();
      return new Coupling(
          CouplingSplit.channels(
              new Shape(channels, shape.height(), shape.width()), shape.channels()),
          new AdditiveTransform(),
          List.of(map));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** What a map computes. */
  @FunctionalInterface
  interface Formula {
    double[] of(double[] x, Weights weights);
  }

  /** Values of a block by its name. */
  @FunctionalInterface
  interface Weights {
    double[][] of(String name);
  }

  static Stream<Subject> all() {
    Stream<Subject> activations =
        Arrays.stream(Activation.Kind.values())
            .map(
                kind ->
                    new Subject(
                        "Activation, " + kind.fileName(),
                        new Activation(kind, 4),
                        (x, weights) -> activated(kind, x, weights, "")));
    Affine shared = new Affine(3, 3);
    return Stream.concat(
        activations,
        Stream.of(
            new Subject(
                "Affine", new Affine(3, 5), (x, weights) -> affine(x, weights, "weight", "bias")),
            new Subject(
                "NormalisedAffine",
                new NormalisedAffine(4, 2),
                (x, weights) -> normalised(x, weights, "")),
            new Subject(
                "Composition, shared weights",
                new Composition(List.of(shared, new Activation(Activation.Kind.TANH, 3), shared)),
                (x, weights) ->
                    affine(
                        activated(
                            Activation.Kind.TANH,
                            affine(x, weights, "0.weight", "0.bias"),
                            weights,
                            ""),
                        weights,
                        "0.weight",
                        "0.bias")),
            new Subject(
                "Composition, activations at both ends",
                new Composition(
                    List.of(
                        new Activation(Activation.Kind.SWISH, 3),
                        new NormalisedAffine(3, 4),
                        new Activation(Activation.Kind.SWISH, 4))),
                (x, weights) ->
                    activated(
                        Activation.Kind.SWISH,
                        normalised(
                            activated(Activation.Kind.SWISH, x, weights, "0."), weights, "1."),
                        weights,
                        "2.")),
            new Subject(
                "Mlp",
                new Mlp(3, 2, new Mlp.Settings(5, 1, Activation.Kind.SWISH)),
                (x, weights) ->
                    affine(
                        activated(
                            Activation.Kind.SWISH,
                            affine(x, weights, "0.weight", "0.bias"),
                            weights,
                            "1."),
                        weights,
                        "2.weight",
                        "2.bias")),
            new Subject(
                "Mlp, no hidden layer, weight normalisation",
                new Mlp(3, 2, new Mlp.Settings(5, 0, Activation.Kind.TANH, true)),
                (x, weights) -> normalised(x, weights, "0.")),
            new Subject(
                "Affine, spectral normalisation",
                new Affine(3, 5).spectrallyNormalised(),
                (x, weights) -> affine(x, spectral(weights), "weight", "bias")),
            new Subject(
                "ConvolutionMap, spectral normalisation",
                new ConvolutionMap(new Shape(2, 3, 2), 3, 3).spectrallyNormalised(),
                new Shape(2, 3, 2),
                (x, weights) ->
                    convolved(x, new Shape(2, 3, 2), 3, spectral(weights), "weight", "bias")),
            convolution("ConvolutionMap", new Shape(2, 3, 4), 3, 3, true),
            convolution("ConvolutionMap, without bias", new Shape(3, 2, 1), 1, 5, false),
            convolution("ConvolutionMap, of one pixel", new Shape(4, 2, 2), 2, 1, true),
            convolution("ConvolutionMap, of one channel", new Shape(1, 5, 3), 1, 7, true),
            convolution("ConvolutionMap, to many channels", new Shape(1, 2, 9), 16, 3, true),
            convolution("ConvolutionMap, from many channels", new Shape(16, 2, 9), 1, 3, true),
            network(new Shape(1, 2, 3)),
            new Subject("a user's map", new ProductsOfPairs(4), ProductsOfPairs::formula)));
  }

  private static double[] affine(double[] x, Weights weights, String weight, String biasName) {
    double[][] w = weights.of(weight);
    double[] bias = weights.of(biasName)[0];
    return IntStream.range(0, w.length).mapToDouble(r -> bias[r] + dot(w[r], x)).toArray();
  }

  private static Subject convolution(String name, Shape image, int out, int side, boolean bias) {
    Initializer start = Initializers.uniformByFanIn(side * side * image.channels());
    return new Subject(
        name,
        new ConvolutionMap(image, out, side, start, bias ? start : null),
        image,
        (x, weights) -> convolved(x, image, side, weights, "weight", bias ? "bias" : null));
  }

  /** Convolutions with an activation between. */
  private static Subject network(Shape image) {
    Shape hidden = new Shape(3, image.height(), image.width());
    return new Subject(
        "Composition, of convolutions",
        new Composition(
            List.of(
                new ConvolutionMap(image, 3, 3),
                new Activation(Activation.Kind.SWISH, hidden.size()),
                new ConvolutionMap(hidden, 2, 3))),
        image,
        (x, weights) ->
            convolved(
                activated(
                    Activation.Kind.SWISH,
                    convolved(x, image, 3, weights, "0.weight", "0.bias"),
                    weights,
                    "1."),
                hidden,
                3,
                weights,
                "2.weight",
                "2.bias"));
  }

  /** Pixel by pixel, channels last. */
  private static double[] convolved(
      double[] x, Shape image, int side, Weights weights, String name, @Nullable String biasName) {
    double[][] weight = weights.of(name);
    int out = weight.length;
    int channels = image.channels();
    double[] y = new double[image.height() * image.width() * out];
    for (int i = 0; i < y.length; i++) {
      int pixel = i / out;
      y[i] = biasName == null ? 0 : weights.of(biasName)[0][i % out];
      for (int tap = 0; tap < side * side * channels; tap++) {
        int row = pixel / image.width() + tap / channels / side - side / 2;
        int column = pixel % image.width() + tap / channels % side - side / 2;
        if (row >= 0 && row < image.height() && column >= 0 && column < image.width()) {
          y[i] +=
              weight[i % out][tap] * x[(row * image.width() + column) * channels + tap % channels];
        }
      }
    }
    return y;
  }

  private static double[] normalised(double[] x, Weights weights, String prefix) {
    double[][] v = weights.of(prefix + "weight_v");
    double[] g = weights.of(prefix + "weight_g")[0];
    double[] bias = weights.of(prefix + "bias")[0];
    return IntStream.range(0, v.length)
        .mapToDouble(r -> bias[r] + g[r] * dot(v[r], x) / Math.sqrt(dot(v[r], v[r])))
        .toArray();
  }

  /** The weight V/σ in place of the block, σ = uᵀV v/(‖u‖‖v‖). */
  private static Weights spectral(Weights weights) {
    double[][] original = weights.of("weight_orig");
    double[] u = weights.of("weight_u")[0];
    double[] v = weights.of("weight_v")[0];
    double sigma =
        IntStream.range(0, u.length).mapToDouble(r -> u[r] * dot(original[r], v)).sum()
            / Math.sqrt(dot(u, u) * dot(v, v));
    return name ->
        name.equals("weight")
            ? Arrays.stream(original)
                .map(row -> Arrays.stream(row).map(value -> value / sigma).toArray())
                .toArray(double[][]::new)
            : weights.of(name);
  }

  private static double dot(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
  }

  private static double[] activated(
      Activation.Kind kind, double[] x, Weights weights, String prefix) {
    double[] result = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double u = x[i];
      result[i] =
          switch (kind) {
            case SWISH -> u / (1 + Math.exp(-weights.of(prefix + "beta")[0][i] * u));
            case ELU -> u > 0 ? u : Math.expm1(u);
            case LEAKY_RELU -> u > 0 ? u : .01 * u;
            case RELU -> Math.max(u, 0);
            case TANH -> Math.tanh(u);
          };
    }
    return result;
  }

  /**
   * A map of a user's own, y_i = a·x_{2i}·x_{2i+1} with a trainable a, written with nothing but the
   * public interface.
   */
  record ProductsOfPairs(int inputs, Parameter factor) implements DifferentiableMap {
    static final String TYPE = "test_pairs";

    ProductsOfPairs(int inputs) {
      this(inputs, new Parameter("factor", 1, inputs / 2, Initializers.constant(.7)));
    }

    static double[] formula(double[] x, Weights weights) {
      return IntStream.range(0, x.length / 2)
          .mapToDouble(i -> weights.of("factor")[0][i] * x[2 * i] * x[2 * i + 1])
          .toArray();
    }

    @Override
    public int outputs() {
      return inputs / 2;
    }

    @Override
    public List<Parameter> parameters() {
      return List.of(factor);
    }

    @Override
    public Map<String, Object> description() {
      return Description.of(TYPE);
    }

    @Override
    public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
      Matrix a = kept.value(factor);
      kept.keep(x);
      for (int k = fromOrder; k <= toOrder; k++) {
        for (int r = 0; r < kept.rows(); r++) {
          for (int i = 0; i < outputs(); i++) {
            y.stream(k).set(r, i, a.get(0, i) * product(x, k, r, 2 * i, 2 * i + 1));
          }
        }
      }
    }

    /** (uv)_k = Σ_j binomial(k,j) u_j v_{k-j}. */
    private static double product(Jet x, int k, int r, int u, int v) {
      double sum = 0;
      for (int j = 0; j <= k; j++) {
        sum += binomial(k, j) * x.stream(j).get(r, u) * x.stream(k - j).get(r, v);
      }
      return sum;
    }

    private static int binomial(int n, int j) {
      return n == 2 && j == 1 ? 2 : 1;
    }

    @Override
    public void backward(
        Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
      Matrix a = kept.value(factor);
      Jet x = kept.jet();
      for (int r = 0; r < kept.rows(); r++) {
        for (int i = 0; i < outputs(); i++) {
          for (int k = 0; k <= toOrder; k++) {
            double left = 0;
            double right = 0;
            for (int n = k; n <= yBar.order(); n++) {
              double bar = binomial(n, k) * a.get(0, i) * yBar.stream(n).get(r, i);
              left += bar * x.stream(n - k).get(r, 2 * i + 1);
              right += bar * x.stream(n - k).get(r, 2 * i);
            }
            xBar.stream(k).set(r, 2 * i, left);
            xBar.stream(k).set(r, 2 * i + 1, right);
          }
        }
      }
      if (gradients != null) {
        Jet factorBar = kept.jet(0, outputs(), 0);
        for (int r = 0; r < kept.rows(); r++) {
          for (int i = 0; i < outputs(); i++) {
            double sum = 0;
            for (int k = 0; k <= yBar.order(); k++) {
              sum += yBar.stream(k).get(r, i) * product(x, k, r, 2 * i, 2 * i + 1);
            }
            factorBar.stream(0).set(r, i, sum);
          }
        }
        gradients.addColumnSums(factor, 1, factorBar, 0);
      }
    }
  }
}
