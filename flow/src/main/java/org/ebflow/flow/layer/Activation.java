package org.ebflow.flow.layer;

import java.util.List;
import java.util.function.Function;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.ElementwiseFunctions;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Elementwise activation of a coupling network.
 *
 * <p>Jets: docs/derivations/elementwise.md. Keeps what the function keeps and, for the gradient of
 * trainable parameters, one more matrix [batch,width].
 */
final class Activation implements JetFunction {
  private static final int SLOPE_BAR = ElementwiseMap.FREE_SLOT;
  private static final int CONSTANTS = 0;

  private final int width;
  private final ElementwiseMap map;
  private final double[] constants;
  private final @Nullable Parameter slope;

  /** Which function. */
  enum Kind {
    /** x·sigmoid(βx), β trainable per unit. */
    SWISH,
    /** x for x &gt; 0, else eˣ - 1. */
    ELU,
    /** x for x &gt; 0, else x/100. */
    LEAKY_RELU,
    /** x for x &gt; 0, else 0. */
    RELU
  }

  Activation(Kind kind, String prefix, int width) {
    this.width = width;
    this.map = new ElementwiseMap(function(kind));
    this.constants = constants(kind);
    this.slope =
        kind == Kind.SWISH
            ? new Parameter(prefix + "beta", 1, width, Initializers.constant(1))
            : null;
  }

  private static Function<ElementwiseFunctions, ElementwiseFunction> function(Kind kind) {
    return switch (kind) {
      case SWISH -> ElementwiseFunctions::swish;
      case ELU -> ElementwiseFunctions::elu;
      case LEAKY_RELU, RELU -> ElementwiseFunctions::leakyRelu;
    };
  }

  private static double[] constants(Kind kind) {
    return switch (kind) {
      case SWISH, ELU -> new double[0];
      case LEAKY_RELU -> new double[] {0.01};
      case RELU -> new double[] {0};
    };
  }

  @Override
  public List<Parameter> parameters() {
    return slope == null ? List.of() : List.of(slope);
  }

  @Override
  public int outputs() {
    return width;
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    map.forward(values(kept), x, y, null, kept, fromOrder, toOrder);
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    if (slope == null || gradients == null) {
      map.backward(values(kept), yBar, null, kept, xBar, toOrder, null);
    } else {
      Matrix[] slopeBar = kept.matrices(SLOPE_BAR, 1, width);
      map.backward(values(kept), yBar, null, kept, xBar, toOrder, slopeBar);
      gradients.addColumnSums(slope, 1, kept.jet(SLOPE_BAR, width, 0), 0);
    }
  }

  private Matrix values(Workspace kept) {
    return slope == null ? kept.constant(CONSTANTS, constants) : kept.value(slope);
  }
}
