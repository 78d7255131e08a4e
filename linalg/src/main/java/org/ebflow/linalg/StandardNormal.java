package org.ebflow.linalg;

import org.ebflow.linalg.reference.DoubleNormalQuantile;
import org.ebflow.linalg.reference.DoubleNormalTail;

/** The standard normal distribution in float64, by our own polynomials: the same bits anywhere. */
public final class StandardNormal {
  private StandardNormal() {}

  /** Φ(x), with full relative accuracy for negative x. */
  public static double cdf(double x) {
    double tail = DoubleNormalTail.of(Math.abs(x));
    return x <= 0 ? tail : 1 - tail;
  }

  /**
   * Φ⁻¹(p).
   *
   * @param p from 1.4e-11 to 1 - 1.4e-11
   */
  public static double quantile(double p) {
    if (!(p >= DoubleNormalQuantile.LEAST && p <= 1 - DoubleNormalQuantile.LEAST)) {
      throw new IllegalArgumentException("StandardNormal.quantile: p is " + p);
    }
    Matrix tail = Matrix.of(new double[] {Math.min(p, 1 - p)}, 1, 1);
    DoubleNormalQuantile.ofTails(tail, Matrix.of(new double[1], 1, 1), 0, 1);
    return p <= 0.5 ? tail.get(0, 0) : -tail.get(0, 0);
  }
}
