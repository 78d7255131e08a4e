package org.ebflow.flow.layer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.jspecify.annotations.Nullable;

/**
 * Multilayer perceptron: affine maps with an activation after each but the last.
 *
 * <p>Shapes (row-major): x [batch,in], hidden [batch,width], y [batch,out] per order. Weights and
 * biases start uniform on ±1/√(inputs of the map), with weight normalisation and without.
 *
 * <p>Keeps the jets between its parts. Threading: immutable.
 */
public final class Mlp implements DifferentiableMap {
  static final String TYPE = "mlp";
  private static final String WEIGHT_NORMALISATION = "weight_normalisation";

  private final Settings settings;
  private final Composition maps;

  /**
   * What an MLP is besides its inputs and outputs.
   *
   * @param width units of a hidden layer
   * @param hidden number of hidden layers, at least 0
   * @param activation after each hidden layer
   * @param weightNormalisation whether weights are directions times magnitudes (Salimans and Kingma
   *     2016); the start is the same function
   */
  public record Settings(
      int width, int hidden, Activation.Kind activation, boolean weightNormalisation) {
    /** Without weight normalisation. */
    public Settings(int width, int hidden, Activation.Kind activation) {
      this(width, hidden, activation, false);
    }

    static Settings of(Description description) {
      return new Settings(
          description.count("width"),
          description.index("hidden"),
          Activation.Kind.named(description.text("activation")),
          description.has(WEIGHT_NORMALISATION) && description.flag(WEIGHT_NORMALISATION));
    }

    /** Adds them to a description; weight normalisation is absent where there is none. */
    void describe(Map<String, Object> description) {
      description.put("width", width);
      description.put("hidden", hidden);
      description.put("activation", activation.fileName());
      if (weightNormalisation) {
        description.put(WEIGHT_NORMALISATION, true);
      }
    }
  }

  /** From rows of {@code in} numbers to rows of {@code out}, with random weights. */
  public Mlp(int in, int out, Settings settings) {
    this(in, out, settings, false);
  }

  /** The same, but the last map starts as zero, so that the whole network does. */
  public static Mlp startingAtZero(int in, int out, Settings settings) {
    return new Mlp(in, out, settings, true);
  }

  private Mlp(int in, int out, Settings settings, boolean zero) {
    this.settings = settings;
    List<DifferentiableMap> parts = new ArrayList<>();
    int inputs = in;
    for (int i = 0; i < settings.hidden; i++) {
      parts.add(affine(inputs, settings.width));
      parts.add(new Activation(settings.activation, settings.width));
      inputs = settings.width;
    }
    parts.add(zero ? zero(inputs, out) : affine(inputs, out));
    maps = new Composition(parts);
  }

  private DifferentiableMap affine(int in, int out) {
    return settings.weightNormalisation ? new NormalisedAffine(in, out) : new Affine(in, out);
  }

  private DifferentiableMap zero(int in, int out) {
    return settings.weightNormalisation ? NormalisedAffine.zero(in, out) : Affine.zero(in, out);
  }

  static Mlp of(Description description, Shape input) {
    return new Mlp(input.size(), description.count("out"), Settings.of(description));
  }

  @Override
  public Map<String, Object> description() {
    Map<String, Object> result = new LinkedHashMap<>(Description.of(TYPE, "out", outputs()));
    settings.describe(result);
    return result;
  }

  /** Width, depth, activation and normalisation. */
  public Settings settings() {
    return settings;
  }

  @Override
  public List<Parameter> parameters() {
    return maps.parameters();
  }

  @Override
  public SequencedMap<String, Parameter> parametersByName() {
    return maps.parametersByName();
  }

  @Override
  public long hiddenNumbers() {
    return maps.hiddenNumbers();
  }

  @Override
  public int inputs() {
    return maps.inputs();
  }

  @Override
  public int outputs() {
    return maps.outputs();
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    maps.forward(x, y, kept, fromOrder, toOrder);
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    maps.backward(yBar, kept, xBar, toOrder, gradients);
  }

  @Override
  public String toString() {
    return "Mlp(" + inputs() + " to " + outputs() + ")";
  }
}
