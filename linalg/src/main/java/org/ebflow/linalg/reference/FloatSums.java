package org.ebflow.linalg.reference;

import org.ebflow.linalg.Matrix;

/** Sums of float32 elements in float64. */
public final class FloatSums {
  private FloatSums() {}

  /** Σ x over {@code n} elements from number {@code from} on. */
  public static double sum(Matrix x, int from, int n) {
    double sum = 0;
    for (int i = from; i < from + n; i++) {
      sum += FloatElements.at(x, i);
    }
    return sum;
  }

  /** Σ log|x| over {@code n} elements from number {@code from} on. */
  public static double sumOfLogs(Matrix x, int from, int n) {
    double sum = 0;
    for (int i = from; i < from + n; i++) {
      sum += DoublePolynomials.log(Math.abs(FloatElements.at(x, i)));
    }
    return sum;
  }
}
