package org.ebflow.flow.layer;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Workspace;
import org.jspecify.annotations.Nullable;

/**
 * Multilayer perceptron of a coupling layer: affine maps with an activation after each but the
 * last.
 *
 * <p>Shapes (row-major): x [batch,in], hidden [batch,width], y [batch,out] per order. Weights and
 * biases start uniform on ±1/√(inputs of the map), with weight normalisation and without.
 *
 * <p>Keeps the jets between its parts. Cotangents of all streams are computed, the highest
 * included: a network inside a layer has no score pass of its own.
 */
final class Mlp implements JetFunction {
  private static final int VALUES = 0;
  private static final int COTANGENTS = 100;

  private final List<JetFunction> parts = new ArrayList<>();

  Mlp(
      String prefix,
      int in,
      int width,
      int hidden,
      int out,
      Activation.Kind activation,
      boolean weightNormalisation) {
    int inputs = in;
    for (int i = 0; i < hidden; i++) {
      parts.add(affine(prefix + 2 * i + ".", inputs, width, weightNormalisation));
      parts.add(new Activation(activation, prefix + (2 * i + 1) + ".", width));
      inputs = width;
    }
    parts.add(affine(prefix + 2 * hidden + ".", inputs, out, weightNormalisation));
  }

  private static JetFunction affine(String prefix, int in, int out, boolean weightNormalisation) {
    Initializer weight = Initializers.uniformByFanIn(in);
    Initializer bias = Initializers.uniformByFanIn(in);
    return weightNormalisation
        ? new NormalisedAffine(prefix, in, out, weight, bias)
        : new Affine(prefix, in, out, weight, bias);
  }

  @Override
  public List<Parameter> parameters() {
    return parts.stream().flatMap(part -> part.parameters().stream()).toList();
  }

  @Override
  public int outputs() {
    return parts.getLast().outputs();
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    Jet input = x;
    int last = parts.size() - 1;
    for (int i = 0; i <= last; i++) {
      JetFunction part = parts.get(i);
      Jet output = i == last ? y : kept.jet(VALUES + i, part.outputs());
      part.forward(input, output, kept.child(i), fromOrder, toOrder);
      input = output;
    }
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    Jet outputBar = yBar;
    for (int i = parts.size() - 1; i >= 0; i--) {
      Jet inputBar = i == 0 ? xBar : cotangents(kept, i, yBar.order());
      parts
          .get(i)
          .backward(outputBar, kept.child(i), inputBar, i == 0 ? toOrder : yBar.order(), gradients);
      outputBar = inputBar;
    }
  }

  /**
   * Cotangents at the input of part i; those of a lower order, as the score's, have buffers of
   * their own.
   */
  private Jet cotangents(Workspace kept, int i, int order) {
    return kept.jet(COTANGENTS * (order + 1) + i, parts.get(i - 1).outputs(), order);
  }
}
