package org.ebflow.flow.layer;

import java.util.List;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ActivationKernels;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Elementwise activation of a coupling network: Swish, y = x·sigmoid(βx) with a trainable slope β
 * per unit, or ELU.
 *
 * <p>Jets: docs/derivations/elementwise.md. Keeps sigmoid(βx) or the derivative, [batch,width], and
 * for the slope's gradient one more matrix of that size.
 */
final class Activation implements JetFunction {
  private static final int KEPT = 0;
  private static final int SLOPE_BAR = 1;

  private final Kind kind;
  private final int width;
  private final @Nullable Parameter slope;

  /** Which function. */
  enum Kind {
    SWISH,
    ELU
  }

  Activation(Kind kind, String prefix, int width) {
    this.kind = kind;
    this.width = width;
    this.slope =
        kind == Kind.SWISH
            ? new Parameter(prefix + "beta", 1, width, Initializers.constant(1))
            : null;
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
    ActivationKernels kernels = kernels(kept.kernels());
    Matrix beta = slope == null ? null : kept.value(slope);
    Matrix keptValues = kept.jet(KEPT, width, 0).stream(0);
    if (fromOrder == 0) {
      kernels.value(beta, x.stream(0), y.stream(0), keptValues);
    }
    if (fromOrder <= 1 && toOrder >= 1) {
      kernels.tangent(beta, x.stream(0), keptValues, x.stream(1), y.stream(1));
    }
    if (toOrder == 2) {
      kernels.second(beta, x.stream(0), keptValues, x.stream(1), x.stream(2), y.stream(2));
    }
    kept.keep(x);
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    ActivationKernels kernels = kernels(kept.kernels());
    Jet x = kept.kept();
    Matrix beta = slope == null ? null : kept.value(slope);
    Matrix keptValues = kept.jet(KEPT, width, 0).stream(0);
    Jet slopeBar = slope == null || gradients == null ? null : kept.jet(SLOPE_BAR, width, 0);
    Matrix slopeBarRows = slopeBar == null ? null : slopeBar.stream(0);
    switch (yBar.order()) {
      case 0 ->
          kernels.pullBack0(
              beta, x.stream(0), keptValues, yBar.stream(0), xBar.stream(0), slopeBarRows);
      case 1 ->
          kernels.pullBack1(
              beta,
              x.stream(0),
              keptValues,
              x.stream(1),
              yBar.stream(0),
              yBar.stream(1),
              xBar.stream(0),
              toOrder >= 1 ? xBar.stream(1) : null,
              slopeBarRows);
      default ->
          kernels.pullBack2(
              beta,
              x.stream(0),
              keptValues,
              x.stream(1),
              x.stream(2),
              yBar.stream(0),
              yBar.stream(1),
              yBar.stream(2),
              xBar.stream(0),
              xBar.stream(1),
              toOrder >= 2 ? xBar.stream(2) : null,
              slopeBarRows);
    }
    if (slope != null && slopeBar != null && gradients != null) {
      gradients.addColumnSums(slope, 1, slopeBar, 0);
    }
  }

  private ActivationKernels kernels(Kernels kernels) {
    return kind == Kind.SWISH ? kernels.swish() : kernels.elu();
  }
}
