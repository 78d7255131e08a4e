package org.ebflow.training.objective;

import org.ebflow.flow.layer.Elementwise;

/**
 * A function of a user's own. It leaves float32 beyond |x| = 89 and float64 beyond 710.
 *
 * @param name of this instance; equal functions need not have equal names
 */
public record Sinh(String name) implements Elementwise {
  /** Without a name. */
  public Sinh() {
    this("");
  }

  @Override
  public double value(double x) {
    return StrictMath.sinh(x);
  }

  @Override
  public double first(double x) {
    return StrictMath.cosh(x);
  }

  @Override
  public double second(double x) {
    return StrictMath.sinh(x);
  }

  @Override
  public double third(double x) {
    return StrictMath.cosh(x);
  }

  @Override
  public double fourth(double x) {
    return StrictMath.sinh(x);
  }

  @Override
  public double inverse(double y) {
    return StrictMath.signum(y) * StrictMath.log(StrictMath.abs(y) + StrictMath.hypot(y, 1));
  }
}
