package org.ebflow.flow.layer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Coupling layer: some columns pass unchanged, and networks of these give the parameters by which
 * the others are transformed.
 *
 * <p>Source: Dinh et al. 2015 (NICE) and 2017 (Real NVP); jets: docs/derivations/coupling.md.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order; logDet [batch] nats, the sum of the transform's.
 *
 * <p>Domain and inverse: all reals. The conditioning columns of y are those of x, so the networks
 * give the same parameters, and the transform is inverted.
 *
 * <p>Cost: the networks, and a copy of every stream. Keeps the jets of their inputs and outputs;
 * cotangents of the highest stream are computed once, by the score's pass. Threading: immutable.
 */
public sealed class Coupling implements Layer permits MaskedAffineCoupling {
  static final String TYPE = "coupling";
  private static final int MOST_PARAMETERS = 10;
  private static final int PARAMETERS = 0;
  private static final int OUTPUTS = MOST_PARAMETERS;
  private static final int PART = 2 * MOST_PARAMETERS;
  private static final int TRANSFORMED = PART + 1;
  private static final int PARAMETER_BARS = 30;
  private static final int OUTPUT_BARS = PARAMETER_BARS + MOST_PARAMETERS;
  private static final int INPUT_BARS = OUTPUT_BARS + MOST_PARAMETERS;
  private static final int PART_BAR = INPUT_BARS + MOST_PARAMETERS;
  private static final int TRANSFORMED_BAR = PART_BAR + 1;
  private static final int SPLIT = MOST_PARAMETERS;
  private static final int TRANSFORM = SPLIT + 1;

  private final CouplingSplit split;
  private final CouplingTransform transform;
  private final List<DifferentiableMap> networks;

  /** Columns of its network's output that hold each parameter. */
  private final int[][] columns;

  /**
   * With one network for all parameters of the transform, or one for each.
   *
   * @param networks one, whose output holds the parameters of each element side by side (s and t of
   *     the first column, s and t of the second …), or as many as the transform has parameters, in
   *     their order
   * @throws IllegalArgumentException if a network does not fit the split
   */
  public Coupling(
      CouplingSplit split, CouplingTransform transform, List<DifferentiableMap> networks) {
    int count = transform.parameterNames().size();
    if (networks.size() != 1 && networks.size() != count) {
      throw new IllegalArgumentException(
          "Coupling: "
              + networks.size()
              + " networks, expected one, or one for each of "
              + transform.parameterNames());
    }
    int perNetwork = count / networks.size();
    int outputs = split.networkOutputs(perNetwork);
    for (DifferentiableMap network : networks) {
      int given = network.outputShape(split.networkShape()).size();
      if (given != outputs) {
        throw new IllegalArgumentException(
            "Coupling: " + network + " gives " + given + " numbers, expected " + outputs);
      }
    }
    this.split = split;
    this.transform = transform;
    this.networks = List.copyOf(networks);
    this.columns = new int[count][];
    for (int j = 0; j < count; j++) {
      columns[j] = split.parameterColumns(j % perNetwork, perNetwork);
    }
  }

  static Coupling of(Description description, Shape input) {
    CouplingSplit split = CouplingSplit.of(description.part("split"), input);
    return new Coupling(
        split,
        CouplingTransform.of(description.part("transform")),
        description.mapsOf("networks", split.networkShape()));
  }

  @Override
  public @Nullable Map<String, Object> description() {
    return Description.of(
        TYPE,
        "split",
        split.description(),
        "transform",
        transform.description(),
        "networks",
        MapTypes.describe(networks));
  }

  /** Which columns condition which. */
  public CouplingSplit split() {
    return split;
  }

  /** What is done to the transformed columns. */
  public CouplingTransform transform() {
    return transform;
  }

  /** One network, or one for each parameter of the transform. */
  public List<DifferentiableMap> networks() {
    return networks;
  }

  @Override
  public List<Parameter> parameters() {
    return networks.stream().flatMap(network -> network.parameters().stream()).distinct().toList();
  }

  /**
   * The networks' own names after that of their parameter, {@code scale.0.weight}, or "network".
   */
  @Override
  public SequencedMap<String, Parameter> parametersByName() {
    SequencedMap<String, Parameter> result = new LinkedHashMap<>();
    for (int i = 0; i < networks.size(); i++) {
      boolean one = networks.size() < columns.length;
      String prefix = (one ? "network" : transform.parameterNames().get(i)) + ".";
      networks.get(i).parametersByName().forEach((name, block) -> result.put(prefix + name, block));
    }
    return result;
  }

  @Override
  public int dimension() {
    return split.dimension();
  }

  /** The networks' input and output, the transform's parameters, input and output. */
  @Override
  public long hiddenNumbers() {
    long numbers = split.networkShape().size() + (columns.length + 2L) * split.transformedCount();
    for (DifferentiableMap network : networks) {
      numbers += network.outputs() + network.hiddenNumbers();
    }
    return numbers;
  }

  @Override
  public Shape outputShape(Shape input) {
    split.requireShape(input);
    return Layer.super.outputShape(input);
  }

  /** Jets of the transform's parameters. */
  private Jet[] parameters(Workspace kept) {
    return kept.jets(PARAMETERS, columns.length, split.transformedCount());
  }

  private int networkOf(int parameter) {
    return networks.size() == 1 ? 0 : parameter;
  }

  /**
   * Pushes the networks' input through the networks, and gathers the transform's parameters from
   * what they give.
   */
  private void condition(Workspace kept, int fromOrder, int toOrder) {
    Jet input = split.networkInput(kept.child(SPLIT));
    for (int i = 0; i < networks.size(); i++) {
      DifferentiableMap network = networks.get(i);
      Jet output = kept.jet(OUTPUTS + i, network.outputs());
      network.forward(input, output, kept.child(i), fromOrder, toOrder);
    }
    Jet[] parameters = parameters(kept);
    for (int j = 0; j < columns.length; j++) {
      int network = networkOf(j);
      Jet output = kept.jet(OUTPUTS + network, networks.get(network).outputs());
      for (int k = fromOrder; k <= toOrder; k++) {
        kept.kernels().rows().gatherColumns(output.stream(k), columns[j], parameters[j].stream(k));
      }
    }
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    Workspace ofSplit = kept.child(SPLIT);
    Jet input = split.networkInput(ofSplit);
    Jet part = kept.jet(PART, split.transformedCount());
    Jet transformed = kept.jet(TRANSFORMED, split.transformedCount());
    for (int k = fromOrder; k <= toOrder; k++) {
      split.condition(x.stream(k), input.stream(k), ofSplit);
      split.gather(x.stream(k), part.stream(k), ofSplit);
    }
    condition(kept, fromOrder, toOrder);
    transform.forward(
        part, parameters(kept), transformed, logDet, kept.child(TRANSFORM), fromOrder, toOrder);
    for (int k = fromOrder; k <= toOrder; k++) {
      split.join(x.stream(k), transformed.stream(k), y.stream(k), ofSplit);
    }
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    int order = yBar.order();
    int within = kept.afterScore() ? order - 1 : order;
    Workspace ofSplit = kept.child(SPLIT);
    int count = split.transformedCount();
    Jet transformedBar = kept.cotangents(TRANSFORMED_BAR, count, order);
    Jet partBar = kept.cotangents(PART_BAR, count, order);
    Jet[] parameterBars = kept.cotangents(PARAMETER_BARS, columns.length, count, order);
    for (int k = 0; k <= within; k++) {
      split.gather(yBar.stream(k), transformedBar.stream(k), ofSplit);
    }
    transform.backward(
        transformedBar, logDetBar, kept.child(TRANSFORM), partBar, parameterBars, within);
    int inputs = split.networkShape().size();
    Jet through = kept.cotangents(INPUT_BARS, inputs, order);
    for (int i = 0; i < networks.size(); i++) {
      DifferentiableMap network = networks.get(i);
      Jet outputBar = kept.cotangents(OUTPUT_BARS + i, network.outputs(), order);
      Jet inputBar = kept.cotangents(INPUT_BARS + i, inputs, order);
      outputBar(parameterBars, i, outputBar, within, kept);
      network.backward(outputBar, kept.child(i), inputBar, toOrder, gradients);
      for (int k = 0; i > 0 && k <= toOrder; k++) {
        kept.kernels()
            .rows()
            .combine(1, through.stream(k), 1, inputBar.stream(k), through.stream(k));
      }
    }
    for (int k = 0; k <= toOrder; k++) {
      split.joinCotangents(
          yBar.stream(k), through.stream(k), partBar.stream(k), xBar.stream(k), ofSplit);
    }
  }

  /** Cotangents of one network's output: zero where it holds no parameter. */
  private void outputBar(Jet[] parameterBars, int network, Jet outputBar, int to, Workspace kept) {
    for (int k = 0; k <= to; k++) {
      outputBar.stream(k).fill(0);
      for (int j = 0; j < columns.length; j++) {
        if (networkOf(j) == network) {
          kept.kernels()
              .rows()
              .scatterColumns(parameterBars[j].stream(k), columns[j], outputBar.stream(k));
        }
      }
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    Workspace ofSplit = kept.child(SPLIT);
    Matrix part = kept.jet(PART, split.transformedCount()).stream(0);
    Matrix transformed = kept.jet(TRANSFORMED, split.transformedCount()).stream(0);
    split.condition(y, split.networkInput(ofSplit).stream(0), ofSplit);
    split.gather(y, transformed, ofSplit);
    condition(kept, 0, 0);
    transform.inverse(transformed, parameters(kept), part, kept.child(TRANSFORM));
    split.join(y, part, x, ofSplit);
  }

  @Override
  public String toString() {
    return "Coupling(" + transform.description().get("type") + ", " + dimension() + ")";
  }
}
