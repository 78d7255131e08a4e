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
 * Layers one after the other, y = g_n(… g_1(x)): what a flow is made of, and a flow within a flow.
 *
 * <p>Shapes (row-major): x, y and all between [batch,D] per order. log|det ∂y/∂x| is the sum of the
 * layers'.
 *
 * <p>Keeps the jets between the layers and their cotangents; those of the highest stream are
 * computed once, by the score's pass (docs/derivations/jets.md). Threading: immutable.
 */
public final class Sequence implements Layer {
  static final String TYPE = "sequence";

  private final List<Layer> layers;
  private final int dimension;

  /**
   * The first is applied first.
   *
   * @param dimension numbers per row
   * @throws IllegalArgumentException if a layer takes rows of another length
   */
  public Sequence(int dimension, List<Layer> layers) {
    for (Layer layer : layers) {
      if (layer.dimension() != 0 && layer.dimension() != dimension) {
        throw new IllegalArgumentException(
            "Sequence: layer " + layer + ", expected one of dimension " + dimension);
      }
    }
    this.dimension = dimension;
    this.layers = List.copyOf(layers);
  }

  static Sequence of(Description description, Shape input) {
    return new Sequence(input.size(), description.layers("layers", input));
  }

  /** The layers, first applied first. */
  public List<Layer> layers() {
    return layers;
  }

  @Override
  public List<Parameter> parameters() {
    return layers.stream().flatMap(layer -> layer.parameters().stream()).distinct().toList();
  }

  /** The layers' own names after the layer's number: {@code 2.weight}. */
  @Override
  public SequencedMap<String, Parameter> parametersByName() {
    SequencedMap<String, Parameter> result = new LinkedHashMap<>();
    for (int i = 0; i < layers.size(); i++) {
      String prefix = i + ".";
      layers.get(i).parametersByName().forEach((name, block) -> result.put(prefix + name, block));
    }
    return result;
  }

  @Override
  public int dimension() {
    return dimension;
  }

  @Override
  public long hiddenNumbers() {
    long numbers = (long) Math.max(0, layers.size() - 1) * dimension;
    for (Layer layer : layers) {
      numbers += layer.hiddenNumbers();
    }
    return numbers;
  }

  @Override
  public Shape outputShape(Shape input) {
    Shape shape = input;
    for (Layer layer : layers) {
      shape = layer.outputShape(shape);
    }
    return shape;
  }

  @Override
  public List<ConstantJacobian> constantParts() {
    return layers.stream().flatMap(layer -> layer.constantParts().stream()).toList();
  }

  @Override
  public boolean hasConstantJacobian() {
    return layers.stream().allMatch(Layer::hasConstantJacobian);
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE, "layers", LayerTypes.describe(layers));
  }

  @Override
  public void initialize(Jet x, Jet y, LogDet logDet, Workspace kept) {
    for (int i = 0; i < layers.size(); i++) {
      layers
          .get(i)
          .initialize(value(i, x, y, kept), value(i + 1, x, y, kept), logDet, kept.child(i));
    }
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    for (int i = 0; i < layers.size(); i++) {
      layers
          .get(i)
          .forward(
              value(i, x, y, kept),
              value(i + 1, x, y, kept),
              logDet,
              kept.child(i),
              fromOrder,
              toOrder);
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
    int between = kept.afterScore() ? order - 1 : order;
    Jet outputBar = yBar;
    for (int i = layers.size() - 1; i >= 0; i--) {
      Jet inputBar = i == 0 ? xBar : kept.boundaryBar(i, dimension, order);
      layers
          .get(i)
          .backward(
              outputBar, logDetBar, kept.child(i), inputBar, i == 0 ? toOrder : between, gradients);
      outputBar = inputBar;
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    Matrix output = y;
    for (int i = layers.size() - 1; i >= 0; i--) {
      Matrix input = i == 0 ? x : kept.own(i, kept.rows(), dimension);
      layers.get(i).inverse(output, input, kept.child(i));
      output = input;
    }
  }

  /** The jet before layer number {@code i}. */
  private Jet value(int i, Jet x, Jet y, Workspace kept) {
    if (i == 0) {
      return x;
    }
    return i == layers.size() ? y : kept.boundary(i, dimension);
  }

  @Override
  public String toString() {
    return "Sequence" + layers;
  }
}
