package org.ebflow.flow.layer;

import java.util.Map;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ElementwiseKernels.Derivatives;
import org.ebflow.linalg.Matrix;

/**
 * Logit, y = (log x - log(1-x))/smoothness.
 *
 * <p>Source: Chao et al. 2023, appendix (preprocessing); jets: docs/derivations/elementwise.md.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order; logDet [batch] nats, Σ -log smoothness - log x -
 * log(1-x).
 *
 * <p>Domain and inverse: x in (0,1); x = sigmoid(smoothness·y), which rounds to 0 or 1 far out.
 * Threading: immutable.
 */
public final class Logit extends DerivedElementwise {
  static final String TYPE = "logit";

  private final double smoothness;

  /** With the logit smoothness α_s. */
  public Logit(double smoothness) {
    if (!(smoothness > 0 && smoothness < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "Logit: smoothness is " + smoothness + ", expected a positive number");
    }
    this.smoothness = smoothness;
  }

  static Logit of(Description description, Shape input) {
    return new Logit(description.number("smoothness"));
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE, "smoothness", smoothness);
  }

  /** α_s. */
  public double smoothness() {
    return smoothness;
  }

  @Override
  void value(Matrix x, Matrix y, Matrix logDet, Workspace kept) {
    kept.kernels().elementwise().logit(smoothness, x, y, logDet);
  }

  @Override
  void derivatives(Matrix x, Derivatives d, Workspace kept) {
    kept.kernels().elementwise().logitDerivatives(smoothness, x, d);
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    kept.kernels().elementwise().sigmoid(smoothness, y, x);
  }

  @Override
  public String toString() {
    return "Logit(" + smoothness + ")";
  }
}
