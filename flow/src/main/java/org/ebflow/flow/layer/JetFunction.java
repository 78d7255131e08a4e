package org.ebflow.flow.layer;

import java.util.List;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.jspecify.annotations.Nullable;

/**
 * A differentiable function between spaces of any widths, part of a layer: as {@link
 * org.ebflow.flow.layer.Layer} but for log-determinant and inverse.
 */
interface JetFunction {
  /** Weights in a fixed order. */
  List<Parameter> parameters();

  /** Numbers per output row. */
  int outputs();

  /** Pushes streams {@code fromOrder}…{@code toOrder} of x (read) to y (overwritten). */
  void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder);

  /**
   * Pulls all streams of yBar (read) back: overwrites streams 0…toOrder of xBar, none for -1, and
   * accumulates gradients unless null.
   */
  void backward(Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients);
}
