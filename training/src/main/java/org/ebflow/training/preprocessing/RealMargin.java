package org.ebflow.training.preprocessing;

import java.util.Arrays;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.StandardNormal;
import org.jspecify.annotations.Nullable;

/**
 * The distribution of one real column as a monotone map to a standard normal number: a rational
 * quadratic spline through smoothed quantiles, with logarithmic tails. Formulas and choices:
 * docs/derivations/margins.md.
 *
 * @param places of the knots, increasing
 * @param values Φ⁻¹(F) there, evenly spaced
 * @param slopes there
 * @param curvature a of both tails
 */
record RealMargin(double[] places, double[] values, double[] slopes, double curvature) {
  private static final ElementwiseBijection KERNEL =
      KernelChoice.fastest(Precision.FLOAT64).functions().quantileGaussianization();

  /** Candidates for the number of intervals between knots. */
  private static final int[] INTERVALS = {2, 4, 8, 16, 32, 64, 128};

  /** Candidates for the number of rows beyond the outermost knot of each side, best guess first. */
  private static final int[] ROWS_OUTSIDE = {20, 10, 5, 40};

  /** Candidates for the curvature of the tails, best guess first. */
  private static final double[] CURVATURES = {0.25, 1};

  /** Intervals while the tails are chosen, in large and in small samples. */
  private static final int FIRST_INTERVALS = 8;

  private static final int FEW_INTERVALS = 4;
  private static final int FEW_ROWS = 300;

  /** More intervals than {@link #FEW_INTERVALS} have so many rows each, at least. */
  private static final int ROWS_PER_INTERVAL = 3;

  /** Log-likelihood in nats, of all rows, by which a later candidate must beat an earlier. */
  private static final double GAIN = 2;

  private static final int FOLDS = 5;
  private static final int LEAST_ROWS_TO_CHOOSE = 10;

  /** Most rows of all columns together that choices are made by, if that leaves enough of each. */
  private static final int MOST_NUMBERS_TO_CHOOSE = 1 << 22;

  private static final int MOST_ROWS_TO_CHOOSE = 20_000;

  /** Least distance of neighbouring knots, relative to that of the outermost. */
  private static final double LEAST_WIDTH = 1e-9;

  /** Largest slope of a tail, relative to that between the two knots before it. */
  private static final double STEEPEST_TAIL = 1e3;

  /** Gauss-Seidel sweeps for the slopes, and the relative change that ends them. */
  private static final int SWEEPS = 100;

  private static final double CONVERGED = 1e-10;

  /** Slopes that a tail tries: steps of a tenth of a nat around that of a linear tail. */
  private static final int SLOPES_BELOW = 10;

  private static final int SLOPES_ABOVE = 30;
  private static final double SLOPE_STEP = 0.1;

  /** What {@link #choose} decides. */
  private record Choice(int intervals, int outside, double curvature) {}

  /**
   * Of a column.
   *
   * @param rows its values in the order of the rows, at least two of them different
   * @param whole whether these are whole numbers, to be spread over [n, n+1)
   * @param columns of the table, which share the time that choices take
   * @param name of the column in errors
   */
  static RealMargin fit(double[] rows, boolean whole, int columns, String name) {
    int most = Math.clamp(MOST_NUMBERS_TO_CHOOSE / columns, FEW_ROWS, MOST_ROWS_TO_CHOOSE);
    RealMargin result = fit(sorted(rows, whole), choose(rows, whole, most));
    if (result == null || !result.isFinite()) {
      throw new InvalidInputException(
          name
              + ": expected numbers whose differences have a size between 1e-100 and 1e100, found "
              + Arrays.stream(rows).min().orElseThrow()
              + " to "
              + Arrays.stream(rows).max().orElseThrow()
              + " (leave it out with --columns)");
    }
    return result;
  }

  private boolean isFinite() {
    double sum = 0;
    for (int k = 0; k < places.length; k++) {
      sum += places[k] * 0 + slopes[k] * 0 + (slopes[k] > 0 ? 0 : Double.NaN);
    }
    return sum == 0;
  }

  /** Number of knots. */
  int knots() {
    return places.length;
  }

  /**
   * The column's row of the table of {@link
   * org.ebflow.linalg.ElementwiseFunctions#quantileGaussianization}, for that many knots.
   */
  double[] tableRow(int knots) {
    double[] row = new double[3 * knots + 2];
    for (int i = 0; i < knots; i++) {
      int k = Math.min(i, places.length - 1);
      row[3 * i] = places[k];
      row[3 * i + 1] = values[k];
      row[3 * i + 2] = slopes[k];
    }
    row[3 * knots] = curvature;
    row[3 * knots + 1] = curvature;
    return row;
  }

  /** log p of each value, in nats. */
  double[] logDensities(double[] x) {
    double[] row = tableRow(knots());
    Matrix y = Matrix.allocate(Precision.FLOAT64, x.length, 1);
    Matrix slope = Matrix.allocate(Precision.FLOAT64, 1, x.length);
    KERNEL.value(
        Matrix.of(row, 1, row.length),
        Matrix.of(x, x.length, 1),
        y,
        new Matrix[0],
        slope,
        0,
        x.length);
    double[] result = new double[x.length];
    for (int i = 0; i < result.length; i++) {
      double z = y.get(i, 0);
      result[i] = StrictMath.log(slope.get(0, i)) - 0.5 * (z * z + Math.log(2 * Math.PI));
    }
    return result;
  }

  /** A sorted copy; equal whole numbers n are spread evenly over [n, n+1). */
  private static double[] sorted(double[] rows, boolean whole) {
    double[] x = rows.clone();
    Arrays.sort(x);
    for (int from = 0, to; whole && from < x.length; from = to) {
      double number = x[from];
      for (to = from; to < x.length && x[to] == number; to++) {}
      for (int i = from; i < to; i++) {
        x[i] = number + (i - from + 0.5) / (to - from);
      }
    }
    return x;
  }

  /**
   * By the likelihood of held-out rows, first what decides the tails, then the intervals.
   *
   * @param most rows that are looked at, evenly spaced
   */
  private static Choice choose(double[] rows, boolean whole, int most) {
    int count = Math.min(rows.length, most);
    Choice best =
        new Choice(
            count < FEW_ROWS ? FEW_INTERVALS : FIRST_INTERVALS, ROWS_OUTSIDE[0], CURVATURES[0]);
    if (count < LEAST_ROWS_TO_CHOOSE) {
      return new Choice(INTERVALS[0], ROWS_OUTSIDE[0], CURVATURES[0]);
    }
    double[][] train = new double[FOLDS][];
    double[][] heldOut = new double[FOLDS][];
    for (int fold = 0; fold < FOLDS; fold++) {
      double[] in = new double[count];
      double[] out = new double[count];
      int ins = 0;
      int outs = 0;
      for (int i = 0; i < count; i++) {
        double x = rows[(int) ((long) i * rows.length / count)];
        if (i % FOLDS == fold) {
          out[outs++] = x;
        } else {
          in[ins++] = x;
        }
      }
      train[fold] = sorted(Arrays.copyOf(in, ins), whole);
      heldOut[fold] = sorted(Arrays.copyOf(out, outs), whole);
    }
    double likelihood = Double.NEGATIVE_INFINITY;
    int intervals = best.intervals;
    for (int outside : ROWS_OUTSIDE) {
      for (double curvature : CURVATURES) {
        Choice candidate = new Choice(intervals, outside, curvature);
        double found = heldOutLikelihood(train, heldOut, candidate);
        if (found > likelihood + GAIN) {
          likelihood = found;
          best = candidate;
        }
      }
    }
    likelihood = Double.NEGATIVE_INFINITY;
    Choice tails = best;
    for (int candidateIntervals : INTERVALS) {
      if (candidateIntervals <= Math.max(FEW_INTERVALS, count / ROWS_PER_INTERVAL)) {
        Choice candidate = new Choice(candidateIntervals, tails.outside, tails.curvature);
        double found = heldOutLikelihood(train, heldOut, candidate);
        if (found > likelihood + GAIN) {
          likelihood = found;
          best = candidate;
        }
      }
    }
    return best;
  }

  private static double heldOutLikelihood(double[][] train, double[][] heldOut, Choice choice) {
    double sum = 0;
    for (int fold = 0; fold < FOLDS; fold++) {
      RealMargin margin = fit(train[fold], choice);
      if (margin != null) { // else the same for every choice
        for (double logDensity : margin.logDensities(heldOut[fold])) {
          sum += logDensity;
        }
      }
    }
    return sum;
  }

  /** Null for values that are all the same. */
  private static @Nullable RealMargin fit(double[] sorted, Choice choice) {
    int n = sorted.length;
    int intervals = choice.intervals;
    double outermost = -StandardNormal.quantile(Math.min(0.25, (double) choice.outside / n));
    double step = 2 * outermost / intervals;
    double[] z = new double[intervals + 1];
    double[] p = new double[intervals + 1];
    for (int k = 0; k <= intervals; k++) {
      z[k] = k == intervals ? outermost : -outermost + k * step;
      p[k] = StandardNormal.cdf(z[k]);
    }
    double[] x = quantiles(sorted, p);
    if (x == null) {
      return null;
    }
    double scale = x[intervals] - x[0];
    double size = Math.max(Math.abs(x[0]), Math.abs(x[intervals]));
    double least = Math.max(LEAST_WIDTH * scale, 8 * Math.ulp(size));
    for (int k = 1; k <= intervals; k++) {
      x[k] = Math.max(x[k], x[k - 1] + least);
    }
    scale = x[intervals] - x[0];
    double[] secants = new double[intervals]; // slopes in units of 1/scale from here on
    for (int k = 0; k < intervals; k++) {
      secants[k] = (z[k + 1] - z[k]) / ((x[k + 1] - x[k]) / scale);
    }
    double[] slopes = new double[intervals + 1];
    slopes[0] =
        tailSlope(
            Arrays.stream(sorted).filter(v -> v < x[0]).map(v -> x[0] - v).toArray(),
            scale,
            outermost,
            choice.curvature,
            secants[0]);
    slopes[intervals] =
        tailSlope(
            Arrays.stream(sorted)
                .filter(v -> v > x[intervals])
                .map(v -> v - x[intervals])
                .toArray(),
            scale,
            outermost,
            choice.curvature,
            secants[intervals - 1]);
    solveSlopes(secants, slopes);
    for (int k = 0; k <= intervals; k++) {
      slopes[k] /= scale;
    }
    return new RealMargin(x, z, slopes, choice.curvature);
  }

  /**
   * Quantiles of the distribution that spreads each distinct value evenly from halfway to the one
   * before to halfway to the one behind; null if there is only one.
   */
  private static double @Nullable [] quantiles(double[] sorted, double[] p) {
    int n = sorted.length;
    if (sorted[0] == sorted[n - 1]) {
      return null;
    }
    double[] result = new double[p.length];
    int next = 0;
    double edge = Double.NaN;
    for (int from = 0, to; from < n; from = to) {
      double value = sorted[from];
      for (to = from; to < n && sorted[to] == value; to++) {}
      double half = to < n ? sorted[to] / 2 - value / 2 : value - edge;
      double left = from == 0 ? value - half : edge;
      double right = value + half;
      for (; next < p.length && (p[next] * n < to || to == n); next++) {
        result[next] = left + (right - left) * ((p[next] * n - from) / (to - from));
      }
      edge = right;
    }
    return result;
  }

  /**
   * The slope of most likelihood for exceedances e over the outermost knot, of density φ(z + log(1
   * + a·s·e)/a)·s/(1 + a·s·e).
   *
   * @param secant slope between the two knots before, for want of any exceedance
   */
  private static double tailSlope(
      double[] exceedances, double scale, double z, double a, double secant) {
    int n = exceedances.length;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < n; i++) {
      exceedances[i] /= scale;
      sum += exceedances[i];
      squares += exceedances[i] * exceedances[i];
    }
    if (!(squares > 0)) {
      return secant;
    }
    double linear = 2 * n / (z * sum + Math.sqrt(z * sum * z * sum + 4 * n * squares)); // a = 0
    double best = secant;
    double most = Double.NEGATIVE_INFINITY;
    for (int i = -SLOPES_BELOW; i <= SLOPES_ABOVE; i++) {
      double slope = Math.min(linear * StrictMath.exp(SLOPE_STEP * i), STEEPEST_TAIL * secant);
      double likelihood = n * StrictMath.log(slope);
      for (double e : exceedances) {
        double logGrown = StrictMath.log1p(a * slope * e);
        double y = z + logGrown / a;
        likelihood -= logGrown + 0.5 * y * y;
      }
      if (likelihood > most) {
        most = likelihood;
        best = slope;
      }
    }
    return best;
  }

  /**
   * The slopes at the inner knots for which f'' is continuous there, by Gauss and Seidel.
   *
   * @param slopes the outermost read, the others overwritten
   */
  private static void solveSlopes(double[] secants, double[] slopes) {
    int last = slopes.length - 1;
    for (int k = 1; k < last; k++) {
      slopes[k] = Math.sqrt(secants[k - 1] * secants[k]);
    }
    double change = 1;
    for (int sweep = 0; sweep < SWEEPS && change > CONVERGED; sweep++) {
      change = 0;
      for (int k = 1; k < last; k++) {
        double left = secants[k - 1];
        double right = secants[k];
        double b = left + right - slopes[k - 1] - slopes[k + 1];
        double root = Math.sqrt(b * b + 8 * (left * left + right * right));
        double slope = b >= 0 ? (b + root) / 4 : 2 * (left * left + right * right) / (root - b);
        change = Math.max(change, Math.abs(slope - slopes[k]) / slope);
        slopes[k] = slope;
      }
    }
  }
}
