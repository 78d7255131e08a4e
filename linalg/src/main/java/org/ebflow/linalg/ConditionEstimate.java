package org.ebflow.linalg;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The 1-norm of a matrix, and Higham's estimate of that of its inverse from a few solutions.
 *
 * <p>Source: Higham 1988, "FORTRAN codes for estimating the one-norm of a real or complex matrix",
 * algorithm 4.1, which LAPACK's gecon follows.
 */
final class ConditionEstimate {
  private static final int MOST_STEPS = 5;

  private ConditionEstimate() {}

  /**
   * Largest sum of magnitudes of a column; NaN if an element is.
   *
   * @param sums scratch, [columns], overwritten
   */
  static double oneNorm(Matrix a, double[] sums) {
    Arrays.fill(sums, 0);
    for (int r = 0; r < a.rows(); r++) {
      int at = a.offset() + r * a.stride();
      if (a.precision() == Precision.FLOAT32) {
        addMagnitudes(a.floats(), at, sums);
      } else {
        addMagnitudes(a.doubles(), at, sums);
      }
    }
    double largest = 0;
    for (double sum : sums) {
      largest = Math.max(largest, sum);
    }
    return largest;
  }

  private static void addMagnitudes(float[] row, int from, double[] sums) {
    for (int c = 0; c < sums.length; c++) {
      sums[c] += Math.abs(row[from + c]);
    }
  }

  private static void addMagnitudes(double[] row, int from, double[] sums) {
    for (int c = 0; c < sums.length; c++) {
      sums[c] += Math.abs(row[from + c]);
    }
  }

  /**
   * A lower bound of ‖A⁻¹‖₁, rarely off by more than a factor of 3.
   *
   * @param solve overwrites a row r, [1,n] in that precision, with A⁻¹r
   * @param solveTransposed overwrites it with A⁻ᵀr
   */
  static double inverseOneNorm(
      Consumer<Matrix> solve, Consumer<Matrix> solveTransposed, Precision precision, int n) {
    Matrix x = Matrix.allocate(precision, 1, n);
    x.fill(1.0 / n);
    double estimate = 0;
    int previous = -1;
    int[] signs = new int[n];
    for (int step = 0; step < MOST_STEPS; step++) {
      solve.accept(x); // A⁻¹ times the unit vector that promises the largest column
      double norm = sumOfMagnitudes(x);
      if (norm <= estimate) {
        break; // no ascent: a local maximum
      }
      estimate = norm; // NaN included, which ends the loop below
      if (Double.isNaN(norm) || !replaceBySigns(x, signs)) {
        break;
      }
      solveTransposed.accept(x); // the gradient of the norm
      int largest = indexOfLargest(x);
      if (largest == previous) {
        break;
      }
      previous = largest;
      x.fill(0);
      x.set(0, largest, 1);
    }
    return Math.max(estimate, alternatingEstimate(solve, precision, n));
  }

  /** Another lower bound, for matrices at which the ascent stops at once. */
  private static double alternatingEstimate(Consumer<Matrix> solve, Precision precision, int n) {
    Matrix x = Matrix.allocate(precision, 1, n);
    for (int i = 0; i < n; i++) {
      x.set(0, i, (i % 2 == 0 ? 1 : -1) * (1 + (double) i / Math.max(1, n - 1)));
    }
    solve.accept(x);
    return 2 * sumOfMagnitudes(x) / (3.0 * n);
  }

  /** Whether any sign changed. */
  private static boolean replaceBySigns(Matrix x, int[] signs) {
    int[] old = Arrays.copyOf(signs, signs.length);
    for (int i = 0; i < signs.length; i++) {
      signs[i] = x.get(0, i) < 0 ? -1 : 1;
      x.set(0, i, signs[i]);
    }
    return !Arrays.equals(old, signs);
  }

  private static int indexOfLargest(Matrix x) {
    int largest = 0;
    for (int i = 1; i < x.columns(); i++) {
      if (Math.abs(x.get(0, i)) > Math.abs(x.get(0, largest))) {
        largest = i;
      }
    }
    return largest;
  }

  private static double sumOfMagnitudes(Matrix x) {
    double sum = 0;
    for (int i = 0; i < x.columns(); i++) {
      sum += Math.abs(x.get(0, i));
    }
    return sum;
  }
}
