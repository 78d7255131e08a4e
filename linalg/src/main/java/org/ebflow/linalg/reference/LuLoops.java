package org.ebflow.linalg.reference;

import java.util.Arrays;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.backend.LuFactors;

/**
 * LU factors by plain loops, in float64 whatever was asked for.
 *
 * <p>The array of A is read by columns: what is factorised is M = Aᵀ, element (i, j) at {@code j·n
 * + i}, as M = P·L·U.
 */
public final class LuLoops implements LuFactors {
  private final int n;
  private final Matrix factors;
  private final double[] m;
  private final int[] pivots;
  private double[] inverse = {};

  /** For [n,n] matrices. */
  public LuLoops(int n) {
    this.n = n;
    factors = Matrix.allocate(Precision.FLOAT64, n, n);
    m = factors.doubles();
    pivots = new int[n];
  }

  @Override
  public Precision precision() {
    return Precision.FLOAT64;
  }

  @Override
  public void factorize(Matrix a) {
    factors.copyFrom(a);
    for (int k = 0; k < n; k++) {
      int pivot = indexOfLargest(m, n, k);
      pivots[k] = pivot;
      exchangeRows(m, n, k, pivot);
      double diagonal = m[k * n + k];
      if (diagonal == 0) {
        continue; // the whole rest of the column is zero: nothing to eliminate
      }
      for (int i = k + 1; i < n; i++) {
        m[k * n + i] /= diagonal;
      }
      for (int j = k + 1; j < n; j++) {
        addColumn(m, n, -m[j * n + k], k, m, j * n, k + 1);
      }
    }
  }

  @Override
  public double pivot(int i) {
    return m[i * n + i];
  }

  @Override
  public void solve(boolean transpose, Matrix rows, int from, int count) {
    for (int r = 0; r < count; r++) {
      if (transpose) { // Aᵀ = M
        solvePlain(m, n, pivots, rows.doubles(), from + r * rows.stride());
      } else {
        solveTransposed(m, n, pivots, rows.doubles(), from + r * rows.stride());
      }
    }
  }

  @Override
  public void invert() {
    if (inverse.length == 0) {
      inverse = new double[n * n];
    }
    Arrays.fill(inverse, 0);
    for (int j = 0; j < n; j++) { // column j of M⁻¹, by columns, is row j of A⁻¹
      inverse[j * n + j] = 1;
      solvePlain(m, n, pivots, inverse, j * n);
    }
  }

  @Override
  public void copyInverse(int row, int column, int count, Matrix to, int at) {
    System.arraycopy(inverse, row * n + column, to.doubles(), at, count);
  }

  /** P·L·U x = r: exchange, L from the top, U from the bottom. */
  private static void solvePlain(double[] m, int n, int[] pivots, double[] x, int at) {
    for (int k = 0; k < n; k++) {
      exchange(x, at + k, at + pivots[k]);
    }
    for (int k = 0; k < n; k++) {
      addColumn(m, n, -x[at + k], k, x, at, k + 1);
    }
    for (int k = n - 1; k >= 0; k--) {
      x[at + k] /= m[k * n + k];
      for (int i = 0; i < k; i++) {
        x[at + i] -= x[at + k] * m[k * n + i];
      }
    }
  }

  /** Uᵀ·Lᵀ·Pᵀ x = r: Uᵀ from the top, Lᵀ from the bottom, exchange back. */
  private static void solveTransposed(double[] m, int n, int[] pivots, double[] x, int at) {
    for (int k = 0; k < n; k++) {
      x[at + k] = (x[at + k] - dot(m, k * n, x, at, k)) / m[k * n + k];
    }
    for (int k = n - 1; k >= 0; k--) {
      x[at + k] -= dot(m, k * n + k + 1, x, at + k + 1, n - k - 1);
    }
    for (int k = n - 1; k >= 0; k--) {
      exchange(x, at + k, at + pivots[k]);
    }
  }

  /** y[i] += scale · column k of m, for i from {@code from} on; y begins at {@code at}. */
  private static void addColumn(
      double[] m, int n, double scale, int k, double[] y, int at, int from) {
    for (int i = from; i < n; i++) {
      y[at + i] += scale * m[k * n + i];
    }
  }

  private static double dot(double[] a, int aFrom, double[] b, int bFrom, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += a[aFrom + i] * b[bFrom + i];
    }
    return sum;
  }

  private static int indexOfLargest(double[] m, int n, int k) {
    int largest = k;
    for (int i = k + 1; i < n; i++) {
      if (Math.abs(m[k * n + i]) > Math.abs(m[k * n + largest])) {
        largest = i;
      }
    }
    return largest;
  }

  private static void exchangeRows(double[] m, int n, int k, int pivot) {
    for (int j = 0; j < n; j++) {
      exchange(m, j * n + k, j * n + pivot);
    }
  }

  private static void exchange(double[] x, int i, int j) {
    double kept = x[i];
    x[i] = x[j];
    x[j] = kept;
  }
}
