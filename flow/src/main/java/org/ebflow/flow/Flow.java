package org.ebflow.flow;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Elementwise;
import org.ebflow.flow.layer.ElementwiseLayer;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;

/**
 * A normalizing flow g = g_L ∘ … ∘ g_1 with a standard normal base: layers and their weights.
 *
 * <p>Source: Chao et al. 2023, section 4. With S_l the layers whose Jacobian is constant, log p(x)
 * = ℓ(x) - log Z, ℓ the unnormalised log-density that {@link FlowPass} computes and log Z =
 * -Σ_{S_l} log|det J_i| a constant of the weights.
 *
 * <p>Threading: immutable but for the values of its {@link #parameters}; reading is thread-safe.
 */
public final class Flow {
  /** Begins the names of weights of preprocessing layers. */
  public static final String PREPROCESSING = "preprocessing.";

  private final Shape inputShape;
  private final Sequence sequence;
  private final Parameters parameters;
  private volatile LogZ logZ = new LogZ(-1, 0);

  private record LogZ(long version, double value) {}

  private Flow(Shape inputShape, List<Layer> layers, Parameters parameters) {
    this(inputShape, new Sequence(inputShape.size(), layers), parameters);
  }

  private Flow(Shape inputShape, Sequence sequence, Parameters parameters) {
    this.inputShape = inputShape;
    this.sequence = sequence;
    this.parameters = parameters;
  }

  /** Starts a flow on rows of {@code dimension} numbers. */
  public static Builder of(int dimension) {
    if (dimension < 1) {
      throw new IllegalArgumentException(
          "Flow.of: dimension " + dimension + ", expected at least 1");
    }
    return of(Shape.plain(dimension));
  }

  /** Starts a flow on rows that are images. */
  public static Builder of(Shape shape) {
    return new Builder(shape);
  }

  /** The same layers with other weights of the same layout. */
  public Flow withParameters(Parameters others) {
    return new Flow(inputShape, sequence, others);
  }

  /**
   * Values of the layers' weights by the names of their places in this flow, a block that has two
   * by the first: all of {@link #parameters} but what no layer reads.
   */
  public Map<String, Matrix> weights() {
    Map<String, Matrix> result = new LinkedHashMap<>();
    Set<Parameter> named = new HashSet<>();
    sequence
        .parametersByName()
        .forEach(
            (name, block) -> {
              if (named.add(block)) {
                result.put(name, parameters.of(block));
              }
            });
    return result;
  }

  /** The same layers with a copy of the weights in the given precision. */
  public Flow copy(Precision precision) {
    return withParameters(parameters.copy(precision));
  }

  /**
   * Layers {@code from} (inclusive) to {@code to} (exclusive) as a flow that shares the weights.
   */
  public Flow part(int from, int to) {
    return new Flow(shapes().get(from), layers().subList(from, to), parameters);
  }

  /**
   * This flow after other layers, as when preprocessing is part of the model: its weights, and
   * copies of the first layers' initial ones, none of which may be trained.
   */
  public Flow after(List<Layer> first) {
    SequencedMap<String, Parameter> further = new LinkedHashMap<>();
    new Sequence(inputShape.size(), first)
        .parametersByName()
        .forEach((name, block) -> further.put(PREPROCESSING + name, block));
    further.forEach(
        (name, block) -> {
          if (block.trained()) {
            throw new IllegalArgumentException(
                "Flow.after: " + name + " is a weight to be trained");
          }
        });
    List<Layer> all = Stream.concat(first.stream(), layers().stream()).toList();
    shapes(inputShape, all);
    return new Flow(inputShape, all, further.isEmpty() ? parameters : parameters.with(further, 0));
  }

  /** Shapes before, between and after layers; refuses a layer that does not take its input's. */
  private static List<Shape> shapes(Shape input, List<Layer> layers) {
    List<Shape> result = new ArrayList<>(List.of(input));
    for (Layer layer : layers) {
      result.add(outputShape(layer, result.getLast()));
    }
    return result;
  }

  private static Shape outputShape(Layer layer, Shape input) {
    Shape output = layer.outputShape(input);
    if (output.size() != input.size()) {
      throw new IllegalArgumentException(
          "Flow: layer " + layer + " makes rows of " + output.size() + " of " + input.size());
    }
    return output;
  }

  /** Numbers per row. */
  public int dimension() {
    return inputShape.size();
  }

  /** Shape of the rows before the first layer, between any two, and after the last. */
  public List<Shape> shapes() {
    return shapes(inputShape, layers());
  }

  /** The layers, first applied first. */
  public List<Layer> layers() {
    return sequence.layers();
  }

  /** The layers as one. */
  Sequence sequence() {
    return sequence;
  }

  /** The layers and parts of layers whose Jacobian is constant: their log|det| make log Z. */
  public List<ConstantJacobian> constantParts() {
    return sequence.constantParts();
  }

  /** The weights. */
  public Parameters parameters() {
    return parameters;
  }

  /** Format of weights and rows. */
  public Precision precision() {
    return parameters.precision();
  }

  /** How many leading layers have a constant Jacobian. */
  public int affinePrefix() {
    int count = 0;
    while (count < layers().size() && layers().get(count).hasConstantJacobian()) {
      count++;
    }
    return count;
  }

  /**
   * log Z in nats, exact, in float64: -Σ log|det J_i| of the layers with constant Jacobian.
   * Computed once per version of the weights.
   */
  public double logZ(Blas blas) {
    long now = parameters.version();
    LogZ cached = logZ;
    if (cached.version != now) {
      double sum = 0;
      for (ConstantJacobian part : constantParts()) {
        sum -= part.logAbsDeterminant(parameters, blas);
      }
      cached = new LogZ(now, sum);
      logZ = cached;
    }
    return cached.value;
  }

  /**
   * Sets the weights that depend on data (ActNorm) from first rows [rows,dimension] in the flow's
   * precision. A usable standard deviation needs some dozens of rows.
   */
  public void initialize(Matrix batch, Blas blas) {
    onRows(batch, blas, FlowPass::initialize);
    parameters.initializedByData(true);
    parameters.changed();
  }

  /** ℓ(x), the log-density up to log Z, of every row [rows,dimension], in nats. */
  public double[] unnormalisedLogDensity(Matrix rows, Blas blas) {
    double[] result = new double[rows.rows()];
    onRows(
        rows,
        blas,
        pass -> {
          pass.forward(0, 0);
          System.arraycopy(pass.density().order(0).doubles(), 0, result, 0, result.length);
        });
    return result;
  }

  /** log p(x) of every row [rows,dimension], in nats. */
  public double[] logProb(Matrix rows, Blas blas) {
    double[] result = unnormalisedLogDensity(rows, blas);
    double constant = logZ(blas);
    for (int r = 0; r < result.length; r++) {
      result[r] -= constant;
    }
    return result;
  }

  /** ∇_x log p(x) of every row, a new matrix [rows,dimension]. */
  public Matrix score(Matrix rows, Blas blas) {
    Matrix result = Matrix.allocate(precision(), rows.rows(), dimension());
    onRows(
        rows,
        blas,
        pass -> {
          pass.forward(0, 0);
          result.copyFrom(pass.score());
        });
    return result;
  }

  /** z = g(x) of every row, a new matrix [rows,dimension]. */
  public Matrix forward(Matrix rows, Blas blas) {
    Matrix result = Matrix.allocate(precision(), rows.rows(), dimension());
    onRows(
        rows,
        blas,
        pass -> {
          pass.push(0, 0);
          result.copyFrom(pass.output().stream(0));
        });
    return result;
  }

  /** x = g⁻¹(z) of every row, a new matrix [rows,dimension]. */
  public Matrix inverse(Matrix latents, Blas blas) {
    Matrix result = Matrix.allocate(precision(), latents.rows(), dimension());
    onRows(latents, blas, pass -> pass.inverse(pass.input().stream(0), result));
    return result;
  }

  /** Runs on the calling thread alone, with a pass of order 0 whose input is a copy of the rows. */
  private void onRows(Matrix rows, Blas blas, Consumer<FlowPass> use) {
    if (rows.columns() != dimension()) {
      throw new IllegalArgumentException(
          "Flow: rows are " + rows + ", expected [*," + dimension() + "]");
    }
    if (rows.rows() == 0) {
      return;
    }
    try (Team solo = new Team(1)) {
      FlowPass pass =
          FlowPass.forTeam(this, Compute.of(precision(), blas), solo, rows.rows(), 0)[0];
      pass.input().stream(0).copyFrom(rows);
      use.accept(pass);
    }
  }

  /** Collects layers in the order in which data pass them. */
  public static final class Builder {
    private final Shape inputShape;
    private final List<Layer> layers = new ArrayList<>();
    private Shape shape;
    private Precision precision = Precision.FLOAT32;
    private long seed;

    private Builder(Shape inputShape) {
      this.inputShape = inputShape;
      this.shape = inputShape;
    }

    /** Shape of the rows that the next layer will see. */
    public Shape shape() {
      return shape;
    }

    /** The layers so far, first applied first. */
    public List<Layer> layers() {
      return List.copyOf(layers);
    }

    /**
     * Adds any layer.
     *
     * @throws IllegalArgumentException if it does not take rows of {@link #shape}
     */
    public Builder layer(Layer layer) {
      shape = outputShape(layer, shape);
      layers.add(layer);
      return this;
    }

    /** Adds y = W x + b with W = -I and b = 1 at the start. */
    public Builder dense() {
      return layer(new Dense(shape.size()));
    }

    /** Adds αx + (1-α)·softplus(x), elementwise. */
    public Builder smoothLeakyRelu(double alpha) {
      return layer(new SmoothLeakyRelu(alpha, false));
    }

    /** Adds a shift and scale per column, set from the first batch. */
    public Builder actNorm() {
      return layer(new ActNorm(shape.size()));
    }

    /** Adds a function of the user's own. */
    public Builder elementwise(Elementwise function) {
      return layer(new ElementwiseLayer(function));
    }

    /** Format of weights and rows; float32 unless told otherwise. */
    public Builder precision(Precision format) {
      precision = format;
      return this;
    }

    /** Seed of the initial weights; 0 unless told otherwise. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** The flow with fresh weights. */
    public Flow build() {
      if (layers.isEmpty()) {
        throw new IllegalArgumentException("Flow.build: no layers");
      }
      Sequence sequence = new Sequence(inputShape.size(), layers);
      return new Flow(
          inputShape, sequence, Parameters.initial(sequence.parametersByName(), precision, seed));
    }
  }
}
