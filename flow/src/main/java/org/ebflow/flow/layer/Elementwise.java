package org.ebflow.flow.layer;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A strictly monotone, four times differentiable function of one number, applied to every element.
 * It is all that a user writes for an elementwise layer.
 *
 * <p>Checked by {@code GradientCheck}. Implementations must be pure and thread-safe.
 */
public interface Elementwise {
  /**
   * The function as plain data, as {@link Layer#description} of the layer that applies it; null
   * when files can't name it.
   */
  default @Nullable Map<String, Object> description() {
    return null;
  }

  /** f(x). */
  double value(double x);

  /** f'(x), never zero and of one sign. */
  double first(double x);

  /** f''(x). */
  double second(double x);

  /** f'''(x). */
  double third(double x);

  /** f''''(x). */
  double fourth(double x);

  /** f⁻¹(y). */
  double inverse(double y);
}
