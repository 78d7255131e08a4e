package org.ebflow.flow.layer;

/**
 * A strictly monotone, four times differentiable function of one number, applied to every element:
 * a layer of the user's own in seven lines.
 *
 * <p>Checked by {@code GradientCheck}. Implementations must be pure and thread-safe.
 */
public interface Elementwise {
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
