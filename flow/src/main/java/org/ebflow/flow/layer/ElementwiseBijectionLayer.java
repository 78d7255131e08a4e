package org.ebflow.flow.layer;

import java.util.function.Function;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.ElementwiseFunctions;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/** An elementwise bijection as a layer of a flow, with constants and without weights. */
abstract class ElementwiseBijectionLayer implements Layer {
  private static final int CONSTANTS = 0;

  private final Function<ElementwiseFunctions, ElementwiseBijection> function;
  private final ElementwiseMap map;
  private final double[] constants;

  /** With the constants that the function takes as parameters. */
  ElementwiseBijectionLayer(
      Function<ElementwiseFunctions, ElementwiseBijection> function, double... constants) {
    this.function = function;
    this.map = new ElementwiseMap(function::apply);
    this.constants = constants;
  }

  @Override
  public final void forward(
      Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    map.forward(constants(kept), x, y, logDet, kept, fromOrder, toOrder);
  }

  @Override
  public final void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    if (toOrder >= 0) { // else nobody asks for the input's cotangents, and there are no weights
      map.backward(constants(kept), yBar, logDetBar, kept, xBar, toOrder, null);
    }
  }

  @Override
  public final void inverse(Matrix y, Matrix x, Workspace kept) {
    function.apply(kept.kernels().functions()).inverse(constants(kept), y, x);
  }

  private Matrix constants(Workspace kept) {
    return kept.constant(CONSTANTS, constants);
  }
}
