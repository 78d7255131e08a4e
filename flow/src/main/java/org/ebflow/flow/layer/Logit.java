package org.ebflow.flow.layer;

import java.util.Map;
import org.ebflow.linalg.ElementwiseFunctions;

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
public final class Logit extends ElementwiseBijectionLayer {
  static final String TYPE = "logit";

  private final double smoothness;

  /** With the logit smoothness α_s. */
  public Logit(double smoothness) {
    super(ElementwiseFunctions::logit, 1 / smoothness, smoothness);
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
  public String toString() {
    return "Logit(" + smoothness + ")";
  }
}
