package org.ebflow.flow.layer;

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
 * A differentiable map between rows of any widths: a network of a {@link Coupling}, or a part of
 * one. Unlike a {@link Layer} it has neither log-determinant nor inverse.
 *
 * <p>A map holds shapes and {@link Parameter}s only. What forward keeps for backward lies in the
 * {@link Workspace}, in slots of the map's own choice; the weights are looked up there. Jets handed
 * to forward stay as they are until the backward pass is over, so that a map may keep them, unless
 * the map says that it does not read them again.
 *
 * <p><b>The score's cotangents are computed once.</b> The cotangents of the highest order are those
 * of the score (docs/derivations/jets.md), and the score's backward pass has left them. So the
 * backward pass after it, during which {@link Workspace#afterScore} is true, pulls back one order
 * less. A map that is one kernel needs no case for this, since {@code toOrder} tells it. A map made
 * of parts keeps the cotangents between its parts in {@link Workspace#cotangents(int, int, int)}
 * and asks them for {@code yBar.order() - 1}, as {@link Composition} does. A map that keeps them
 * elsewhere always asks its parts for all orders.
 *
 * <p>Threading: as a layer's. Every method works on the rows of one worker.
 */
public interface DifferentiableMap {
  /** The map's weights, in a fixed order; empty when it has none. */
  default List<Parameter> parameters() {
    return List.of();
  }

  /** The same with the names that files give them, each once within the map. */
  default SequencedMap<String, Parameter> parametersByName() {
    SequencedMap<String, Parameter> result = new LinkedHashMap<>();
    for (Parameter parameter : parameters()) {
      result.putIfAbsent(parameter.name(), parameter);
    }
    return result;
  }

  /** Numbers per input row. */
  int inputs();

  /** Numbers per output row. */
  int outputs();

  /**
   * Numbers of a row, of one order, in the jets between the maps that this one is made of; 0 for a
   * map without such.
   */
  default long hiddenNumbers() {
    return 0;
  }

  /**
   * Shape of an output row.
   *
   * @throws IllegalArgumentException if the map does not take rows of shape {@code input}
   */
  default Shape outputShape(Shape input) {
    if (input.size() != inputs()) {
      throw new IllegalArgumentException(
          this + ": a row has " + input.size() + " numbers, expected " + inputs());
    }
    return Shape.plain(outputs());
  }

  /**
   * The map as plain data, as {@link Layer#description}: its type, under which {@link MapTypes}
   * knows how to make it again, and the numbers it is made from. Null for a map that can't be made
   * from data.
   */
  default @Nullable Map<String, Object> description() {
    return null;
  }

  /**
   * Pushes the streams {@code fromOrder}…{@code toOrder} of a jet through the map. Lower orders
   * were pushed before, with the same workspace.
   *
   * @param x input jet, read
   * @param y output jet, the pushed streams overwritten
   */
  void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder);

  /**
   * Pulls the cotangents of all streams of {@code yBar} back.
   *
   * @param yBar cotangents of the output streams, read; its order may be lower than that of the
   *     forward pass, whose higher streams are then ignored
   * @param xBar cotangents of the input; streams 0…{@code toOrder} are overwritten, the others not
   *     touched
   * @param toOrder highest input cotangent wanted, -1 for none
   * @param gradients accumulated into; null when only input cotangents are wanted
   */
  void backward(Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients);

  /** Whether it reads streams of its input again after the call of forward that pushes them. */
  default boolean readsInputAgain(Workspace kept) {
    return true;
  }

  /** The same of its output. */
  default boolean readsOutputAgain() {
    return true;
  }

  /**
   * Whether it reads cotangents of its output again after the call of backward that pulls them
   * back: in the backward pass that follows the score's, or when gradients are summed.
   *
   * @param gradients whether that call notes gradients
   */
  default boolean readsCotangentsAgain(Workspace kept, boolean gradients) {
    return true;
  }
}
