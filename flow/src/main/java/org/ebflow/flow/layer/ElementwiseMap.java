package org.ebflow.flow.layer;

import java.util.function.Function;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.ElementwiseFunctions;
import org.ebflow.linalg.ElementwiseJets;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Streams;
import org.jspecify.annotations.Nullable;

/**
 * Jets of y = f(x), elementwise, for layers of a flow and for activations of networks: calls the
 * kernel of each order. Activations have no log-determinant and pass null in its place.
 *
 * <p>Keeps what the function keeps, in slots 0… of the workspace. Jets:
 * docs/derivations/elementwise.md.
 *
 * @param function the function in the pass's precision
 */
record ElementwiseMap(Function<ElementwiseFunctions, ElementwiseFunction> function) {
  /** First slot that is free for the layer's own use. */
  static final int FREE_SLOT = 10;

  private static final int KEPT = 0;

  /** Pushes streams {@code fromOrder}…{@code toOrder} of x to y. */
  void forward(
      Matrix parameters,
      Jet x,
      Jet y,
      @Nullable LogDet logDet,
      Workspace kept,
      int fromOrder,
      int toOrder) {
    ElementwiseFunction f = function(kept);
    ElementwiseJets jets = kept.kernels().jets();
    Matrix[] values = kept(f, kept, x.width());
    if (fromOrder == 0) {
      jets.forward0(f, parameters, values, x.stream(0), y.stream(0), order(logDet, 0));
    }
    if (fromOrder <= 1 && toOrder >= 1) {
      jets.forward1(f, parameters, values, x.streams(), y.stream(1), order(logDet, 1));
    }
    if (toOrder == 2) {
      jets.forward2(f, parameters, values, x.streams(), y.stream(2), order(logDet, 2));
    }
    kept.keep(x);
  }

  /**
   * Pulls all streams of yBar back to streams 0…toOrder of xBar, at least 0.
   *
   * @param bars cotangents of the trainable parameters, per element; null if there are none or they
   *     are not wanted
   */
  void backward(
      Matrix parameters,
      Jet yBar,
      @Nullable LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      Matrix @Nullable [] bars) {
    ElementwiseFunction f = function(kept);
    ElementwiseJets jets = kept.kernels().jets();
    Matrix[] values = kept(f, kept, yBar.width());
    Streams x = kept.jet().streams();
    Streams y = yBar.streams();
    Streams c = logDetBar == null ? null : logDetBar.orders();
    Streams to = xBar.streams();
    switch (yBar.order()) {
      case 0 -> jets.pullBack0(f, parameters, values, x, y, c, to, bars);
      case 1 -> jets.pullBack1(f, parameters, values, x, y, c, to, toOrder, bars);
      default -> jets.pullBack2(f, parameters, values, x, y, c, to, toOrder, bars);
    }
  }

  ElementwiseFunction function(Workspace kept) {
    return function.apply(kept.kernels().functions());
  }

  private static Matrix[] kept(ElementwiseFunction f, Workspace kept, int width) {
    return kept.matrices(KEPT, f.keeps(kept.readAgain() ? kept.order() : -1), width);
  }

  private static @Nullable Matrix order(@Nullable LogDet logDet, int k) {
    return logDet == null ? null : logDet.order(k);
  }
}
