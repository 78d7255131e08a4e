package org.ebflow.flow.layer;

import java.util.Map;
import org.ebflow.linalg.ElementwiseFunctions;

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
public final class SmoothLeakyRelu extends ElementwiseBijectionLayer {
  static final String TYPE = "smooth_leaky_relu";

  private final double alpha;
  private final boolean residual;

  /** With slope α at -∞; a residual one adds x. */
  public SmoothLeakyRelu(double alpha, boolean residual) {
    super(ElementwiseFunctions::smoothLeakyRelu, residual ? 1 + alpha : alpha, 1 - alpha);
    if (!(alpha > 0 && alpha <= 1)) {
      throw new IllegalArgumentException(
          "SmoothLeakyRelu: alpha is " + alpha + ", expected 0 < alpha <= 1");
    }
    this.alpha = alpha;
    this.residual = residual;
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
  public String toString() {
    return "SmoothLeakyRelu(" + alpha + (residual ? ", residual)" : ")");
  }
}
