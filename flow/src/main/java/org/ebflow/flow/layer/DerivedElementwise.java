package org.ebflow.flow.layer;

import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ElementwiseKernels;
import org.ebflow.linalg.ElementwiseKernels.Derivatives;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * What elementwise layers share that keep their derivatives at x as matrices: the jets of
 * docs/derivations/elementwise.md.
 */
abstract class DerivedElementwise implements Layer {
  private static final int FIRST_DERIVATIVE = 0;

  /** y ← f(x), and adds Σ log|f'| of each row to logDet. */
  abstract void value(Matrix x, Matrix y, Matrix logDet, Workspace kept);

  /** Overwrites the non-null derivatives at x. */
  abstract void derivatives(Matrix x, Derivatives d, Workspace kept);

  @Override
  public final void forward(
      Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    ElementwiseKernels kernels = kept.kernels().elementwise();
    if (fromOrder == 0) {
      value(x.stream(0), y.stream(0), logDet.order(0), kept);
      if (kept.readAgain()) {
        derivatives(x.stream(0), derivatives(kept, x.width()), kept);
      }
    }
    if (fromOrder <= 1 && toOrder >= 1) {
      kernels.tangent(derivatives(kept, x.width()), x.stream(1), y.stream(1), logDet.order(1));
    }
    if (toOrder == 2) {
      kernels.second(
          derivatives(kept, x.width()), x.stream(1), x.stream(2), y.stream(2), logDet.order(2));
    }
    kept.keep(x);
  }

  @Override
  public final void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    if (toOrder < 0) {
      return; // no weights, and nobody asks for the input's cotangents
    }
    ElementwiseKernels kernels = kept.kernels().elementwise();
    Jet x = kept.kept();
    Derivatives d = derivatives(kept, yBar.width());
    switch (yBar.order()) {
      case 0 -> kernels.pullBack0(d, yBar.stream(0), logDetBar.order(0), xBar.stream(0));
      case 1 ->
          kernels.pullBack1(
              d,
              x.stream(1),
              yBar.stream(0),
              yBar.stream(1),
              logDetBar.order(0),
              logDetBar.order(1),
              xBar.stream(0),
              toOrder >= 1 ? xBar.stream(1) : null);
      default ->
          kernels.pullBack2(
              d,
              x.stream(1),
              x.stream(2),
              yBar.stream(0),
              yBar.stream(1),
              yBar.stream(2),
              logDetBar.order(0),
              logDetBar.order(1),
              logDetBar.order(2),
              xBar.stream(0),
              xBar.stream(1),
              toOrder >= 2 ? xBar.stream(2) : null);
    }
  }

  private static Derivatives derivatives(Workspace kept, int width) {
    return kept.derivatives(FIRST_DERIVATIVE, width);
  }
}
