package org.ebflow.flow.layer;

import java.util.Map;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.SmoothLeakyReluKernels;
import org.jspecify.annotations.Nullable;

/**
 * Smooth leaky ReLU, y = αx + (1-α)·softplus(x), plus x when residual.
 *
 * <p>Source: Chao et al. 2023, appendix; jets: docs/derivations/elementwise.md.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order; logDet [batch] nats, log|det ∂y/∂x| = Σ log
 * f'(x).
 *
 * <p>Domain and inverse: a bijection of the reals for 0 &lt; α ≤ 1; inverted by Newton's method to
 * full precision.
 *
 * <p>Cost: one exponential and two logarithms per element of order 0, none for higher orders; keeps
 * sigmoid(x), [batch,D].
 *
 * <p>Numerics: softplus keeps its relative accuracy for very negative x; NaN propagates; no kinks.
 *
 * <p>Threading: immutable.
 */
public final class SmoothLeakyRelu implements Layer {
  static final String TYPE = "smooth_leaky_relu";
  private static final int SIGMOID = 0;

  private final double alpha;
  private final boolean residual;
  private final double slope;
  private final double softplus;

  /** With slope α at -∞; a residual one adds x. */
  public SmoothLeakyRelu(double alpha, boolean residual) {
    if (!(alpha > 0 && alpha <= 1)) {
      throw new IllegalArgumentException(
          "SmoothLeakyRelu: alpha is " + alpha + ", expected 0 < alpha <= 1");
    }
    this.alpha = alpha;
    this.residual = residual;
    slope = residual ? 1 + alpha : alpha;
    softplus = 1 - alpha;
  }

  static SmoothLeakyRelu of(Description description, Shape input) {
    return new SmoothLeakyRelu(description.number("alpha"), description.flag("residual"));
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE, "alpha", alpha, "residual", residual);
  }

  /** Slope at -∞, without the residual's. */
  public double alpha() {
    return alpha;
  }

  /** Whether x is added. */
  public boolean residual() {
    return residual;
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    SmoothLeakyReluKernels kernels = kept.kernels().smoothLeakyRelu();
    Matrix sigmoid = sigmoid(kept, x.width());
    if (fromOrder == 0) {
      kernels.value(slope, softplus, x.stream(0), y.stream(0), sigmoid, logDet.order(0));
    }
    if (fromOrder <= 1 && toOrder >= 1) {
      kernels.tangent(slope, softplus, sigmoid, x.stream(1), y.stream(1), logDet.order(1));
    }
    if (toOrder == 2) {
      kernels.second(
          slope, softplus, sigmoid, x.stream(1), x.stream(2), y.stream(2), logDet.order(2));
    }
    kept.keep(x);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    if (toOrder < 0) {
      return; // no weights, and nobody asks for the input's cotangents
    }
    SmoothLeakyReluKernels kernels = kept.kernels().smoothLeakyRelu();
    Matrix sigmoid = sigmoid(kept, yBar.width());
    Jet x = kept.kept();
    switch (yBar.order()) {
      case 0 ->
          kernels.pullBack0(
              slope, softplus, sigmoid, yBar.stream(0), logDetBar.order(0), xBar.stream(0));
      case 1 ->
          kernels.pullBack1(
              slope,
              softplus,
              sigmoid,
              x.stream(1),
              yBar.stream(0),
              yBar.stream(1),
              logDetBar.order(0),
              logDetBar.order(1),
              xBar.stream(0),
              toOrder >= 1 ? xBar.stream(1) : null);
      default ->
          kernels.pullBack2(
              slope,
              softplus,
              sigmoid,
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

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    kept.kernels().smoothLeakyRelu().inverse(slope, softplus, y, x);
  }

  private static Matrix sigmoid(Workspace kept, int width) {
    return kept.jet(SIGMOID, width, 0).stream(0);
  }

  @Override
  public String toString() {
    return "SmoothLeakyRelu(" + alpha + (residual ? ", residual)" : ")");
  }
}
