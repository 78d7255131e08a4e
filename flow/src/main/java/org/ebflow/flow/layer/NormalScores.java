package org.ebflow.flow.layer;

import java.util.Arrays;

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
      return quantile(ranks[0] / size) + (x - values[0]);
    }
    if (x >= values[last]) {
      return quantile(ranks[last] / size) + (x - values[last]);
    }
    int found = Arrays.binarySearch(values, x);
    if (found >= 0) {
      return quantile(ranks[found] / size);
    }
    int after = -found - 1;
    double part = (x - values[after - 1]) / (values[after] - values[after - 1]);
    return quantile((ranks[after - 1] + part * (ranks[after] - ranks[after - 1])) / size);
  }

  /** Φ⁻¹(p) for 0 &lt; p &lt; 1. Source: Wichura 1988, algorithm AS 241 (PPND16). */
  static double quantile(double p) {
    double q = p - 0.5;
    if (Math.abs(q) <= 0.425) {
      double r = 0.180625 - q * q;
      return q
          * ratio(
              r,
              new double[] {
                2509.0809287301227,
                33430.57558358813,
                67265.7709270087,
                45921.95393154987,
                13731.69376550946,
                1971.5909503065513,
                133.14166789178438,
                3.3871328727963665
              },
              new double[] {
                5226.495278852854,
                28729.085735721943,
                39307.89580009271,
                21213.794301586597,
                5394.196021424751,
                687.1870074920579,
                42.31333070160091,
                1
              });
    }
    double r = Math.sqrt(-StrictMath.log(Math.min(p, 1 - p)));
    double size =
        r <= 5
            ? ratio(
                r - 1.6,
                new double[] {
                  7.745450142783414e-4,
                  0.022723844989269184,
                  0.2417807251774506,
                  1.2704582524523684,
                  3.6478483247632045,
                  5.769497221460691,
                  4.630337846156546,
                  1.4234371107496835
                },
                new double[] {
                  1.0507500716444169e-9,
                  5.475938084995345e-4,
                  0.015198666563616457,
                  0.14810397642748008,
                  0.6897673349851,
                  1.6763848301838038,
                  2.053191626637759,
                  1
                })
            : ratio(
                r - 5,
                new double[] {
                  2.0103343992922881e-7,
                  2.7115555687434876e-5,
                  0.0012426609473880784,
                  0.026532189526576124,
                  0.29656057182850487,
                  1.7848265399172913,
                  5.463784911164114,
                  6.657904643501103
                },
                new double[] {
                  2.0442631033899397e-15,
                  1.421511758316446e-7,
                  1.8463183175100548e-5,
                  7.868691311456133e-4,
                  0.014875361290850615,
                  0.1369298809227358,
                  0.599832206555888,
                  1
                });
    return q < 0 ? -size : size;
  }

  /** Quotient of two polynomials, highest power first. */
  private static double ratio(double x, double[] numerator, double[] denominator) {
    double a = 0;
    double b = 0;
    for (int k = 0; k < numerator.length; k++) {
      a = a * x + numerator[k];
      b = b * x + denominator[k];
    }
    return a / b;
  }
}
