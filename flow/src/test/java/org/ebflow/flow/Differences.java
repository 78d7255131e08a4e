package org.ebflow.flow;

import java.util.Arrays;
import java.util.function.DoubleFunction;
import java.util.function.Supplier;
import org.ebflow.linalg.Matrix;

/** Fourth-order central differences in float64. */
final class Differences {
  private static final double STEP = 1e-3;

  /**
   * Second differences divide by the squared step: a larger one balances rounding and truncation.
   */
  private static final double SECOND_STEP = 4e-3;

  private Differences() {}

  /** First derivative at 0 of every element of a function of one number. */
  static double[] first(DoubleFunction<double[]> f) {
    return combine(f, STEP, new double[] {1, -8, 0, 8, -1}, 12 * STEP);
  }

  /** Second derivative at 0. */
  static double[] second(DoubleFunction<double[]> f) {
    return combine(
        f, SECOND_STEP, new double[] {-1, 16, -30, 16, -1}, 12 * SECOND_STEP * SECOND_STEP);
  }

  private static double[] combine(
      DoubleFunction<double[]> f, double step, double[] weights, double divisor) {
    double[] sum = {};
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] == 0) {
        continue;
      }
      double[] values = f.apply((i - 2) * step);
      sum = Arrays.copyOf(sum, values.length);
      for (int j = 0; j < sum.length; j++) {
        sum[j] += weights[i] * values[j] / divisor;
      }
    }
    return sum;
  }

  /** Derivative of a number in one element of a matrix that it depends on. */
  static double in(Matrix matrix, int r, int c, Supplier<Double> value) {
    double at = matrix.get(r, c);
    double[] result =
        first(
            t -> {
              matrix.set(r, c, at + t);
              return new double[] {value.get()};
            });
    matrix.set(r, c, at);
    return result[0];
  }
}
