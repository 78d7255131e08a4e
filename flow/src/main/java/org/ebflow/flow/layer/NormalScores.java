package org.ebflow.flow.layer;

import java.util.Arrays;
import org.ebflow.linalg.StandardNormal;

/**
 * z(x) = Φ⁻¹(F(x)) of a sample, F its distribution function, linear between the mean ranks of its
 * distinct values; beyond them z goes on with slope 1.
 */
final class NormalScores {
  private final double[] values;
  private final double[] ranks;
  private final double size;

  /** Of at least one number; the array stays as it is. */
  NormalScores(double[] sample) {
    double[] sorted = sample.clone();
    Arrays.sort(sorted);
    double[] distinct = new double[sorted.length];
    double[] means = new double[sorted.length];
    int count = 0;
    for (int from = 0, to; from < sorted.length; from = to) {
      to = from + 1;
      while (to < sorted.length && sorted[to] == sorted[from]) {
        to++;
      }
      distinct[count] = sorted[from];
      means[count] = (from + to) / 2.0;
      count++;
    }
    values = Arrays.copyOf(distinct, count);
    ranks = Arrays.copyOf(means, count);
    size = sorted.length;
  }

  /** z at x. */
  double at(double x) {
    int last = values.length - 1;
    if (x <= values[0]) {
      return StandardNormal.quantile(ranks[0] / size) + (x - values[0]);
    }
    if (x >= values[last]) {
      return StandardNormal.quantile(ranks[last] / size) + (x - values[last]);
    }
    int found = Arrays.binarySearch(values, x);
    if (found >= 0) {
      return StandardNormal.quantile(ranks[found] / size);
    }
    int after = -found - 1;
    double part = (x - values[after - 1]) / (values[after] - values[after - 1]);
    return StandardNormal.quantile(
        (ranks[after - 1] + part * (ranks[after] - ranks[after - 1])) / size);
  }
}
