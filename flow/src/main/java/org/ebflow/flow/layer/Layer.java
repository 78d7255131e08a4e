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
 * One bijection of a flow: pushes jets forward, pulls their cotangents back, inverts.
 *
 * <p>A layer holds shapes and {@link Parameter}s only. What forward keeps for backward lies in the
 * {@link Workspace}; the weights are looked up there. So a layer is immutable and may be used by
 * any number of threads.
 *
 * <p>Every method works on the rows of one worker: {@link Jet#stream}. Rows do not depend on each
 * other. Rules for jets: docs/derivations/jets.md.
 *
 * <p>A layer whose Jacobian is the same at every input is a {@link ConstantJacobian}. A layer that
 * is made of others says which of them are: {@link #constantParts}.
 */
public interface Layer {
  /** The layer's weights, in a fixed order; empty when it has none. */
  default List<Parameter> parameters() {
    return List.of();
  }

  /** The same with the names that files give them, each once within the layer. */
  default SequencedMap<String, Parameter> parametersByName() {
    SequencedMap<String, Parameter> result = new LinkedHashMap<>();
    for (Parameter parameter : parameters()) {
      result.putIfAbsent(parameter.name(), parameter);
    }
    return result;
  }

  /** Numbers per row that it takes, 0 when it takes any. */
  default int dimension() {
    return 0;
  }

  /**
   * Shape of an output row.
   *
   * @throws IllegalArgumentException if the layer does not take rows of shape {@code input}
   */
  default Shape outputShape(Shape input) {
    if (dimension() != 0 && dimension() != input.size()) {
      throw new IllegalArgumentException(
          this + ": a row has " + input.size() + " numbers, expected " + dimension());
    }
    return input;
  }

  /**
   * Numbers of a row, of one order, in the jets between the parts that the layer is made of; 0 for
   * a layer without such.
   */
  default long hiddenNumbers() {
    return 0;
  }

  /**
   * The parts whose Jacobian is constant: the layer itself, or some of the layers that it is made
   * of.
   */
  default List<ConstantJacobian> constantParts() {
    return List.of();
  }

  /** Whether the Jacobian of the whole layer is the same at every input. */
  default boolean hasConstantJacobian() {
    return false;
  }

  /**
   * The layer as plain data (what JSON can hold): its type, under which {@link LayerTypes} knows
   * how to make it again, and the numbers it is made from. Null for a layer that can't be made from
   * data: a model with it is loaded together with its flow.
   */
  default @Nullable Map<String, Object> description() {
    return null;
  }

  /**
   * Sets parameters that depend on data (ActNorm) from the order-0 stream of {@code x}, a first
   * batch, and pushes that stream on as {@link #forward} does.
   */
  default void initialize(Jet x, Jet y, LogDet logDet, Workspace kept) {
    forward(x, y, logDet, kept, 0, 0);
  }

  /**
   * Pushes the streams {@code fromOrder}…{@code toOrder} of a jet through the layer. Lower orders
   * were pushed before, with the same workspace.
   *
   * @param x input jet, read; it stays as it is until the backward pass is over
   * @param y output jet, the pushed streams overwritten
   * @param logDet jet of log|det ∂y/∂x| per sample in nats, accumulated into; parts with constant
   *     Jacobian add nothing
   */
  void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder);

  /**
   * Pulls the cotangents of all streams of {@code yBar} back.
   *
   * @param yBar cotangents of the output streams, read; its order may be lower than that of the
   *     forward pass, whose higher streams are then ignored
   * @param logDetBar cotangents of the log-determinant's jet, read
   * @param xBar cotangents of the input; streams 0…{@code toOrder} are overwritten, the others not
   *     touched: the highest may hold the score's
   * @param toOrder highest order of input cotangents wanted, -1 for none. One less than the order
   *     of yBar means that the score's pass of the same forward pass has left those of the highest
   *     order already
   * @param gradients accumulated into; null when only input cotangents are wanted
   */
  void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients);

  /**
   * Exact inverse.
   *
   * @param y outputs, [rows,dimension] of this worker, read
   * @param x inputs, overwritten; not the same matrix as y
   */
  void inverse(Matrix y, Matrix x, Workspace kept);
}
