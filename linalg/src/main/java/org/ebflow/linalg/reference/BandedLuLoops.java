package org.ebflow.linalg.reference;

import java.util.Arrays;
import org.ebflow.linalg.BandedLu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.backend.BandedFactors;

/**
 * LU factors of a banded matrix by plain loops.
 *
 * <p>Stored is M = Aᵀ by columns, as LAPACK stores it: element (i, j) of M at {@code j·leading +
 * above + i - j}. A column has room for {@code above} elements of U, the diagonal, and {@code
 * below} multipliers.
 */
public final class BandedLuLoops implements BandedFactors {
  private final int n;
  private final int below;
  private final int above;
  private final int leading;
  private final double[] m;
  private final int[] exchanges;
  private final double[] row;

  /** For [n,n] matrices A of that many diagonals below and above the main one. */
  public BandedLuLoops(int n, int lower, int upper) {
    this.n = n;
    below = upper; // of M, the transpose
    above = lower + upper; // exchanges fill diagonals of M that were zero
    leading = above + below + 1;
    m = new double[n * leading];
    exchanges = new int[n];
    row = new double[lower + upper + 1];
  }

  @Override
  public void factorize(BandedLu.Row rows) {
    for (int j = 0; j < n; j++) {
      rows.row(j, row);
      int filled = leading - row.length;
      Arrays.fill(m, j * leading, j * leading + filled, 0);
      System.arraycopy(row, 0, m, j * leading + filled, row.length);
    }
    int reached = 0; // last column that row k of U reaches
    for (int k = 0; k < n; k++) {
      int last = Math.min(n - 1, k + below);
      int pivot = indexOfLargest(k, last);
      exchanges[k] = pivot;
      double diagonal = m[index(pivot, k)];
      if (diagonal == 0) {
        continue; // the whole column is zero: nothing to eliminate
      }
      reached = Math.max(reached, Math.min(n - 1, pivot + above - below));
      for (int j = k; j <= reached; j++) {
        exchange(m, index(k, j), index(pivot, j));
      }
      int multipliers = index(k, k);
      for (int i = 1; i <= last - k; i++) {
        m[multipliers + i] /= diagonal;
      }
      for (int j = k + 1; j <= reached; j++) {
        add(-m[index(k, j)], m, multipliers + 1, m, index(k + 1, j), last - k);
      }
    }
  }

  private int indexOfLargest(int k, int last) {
    int largest = k;
    for (int i = k + 1; i <= last; i++) {
      if (Math.abs(m[index(i, k)]) > Math.abs(m[index(largest, k)])) {
        largest = i;
      }
    }
    return largest;
  }

  private int index(int i, int j) {
    return j * leading + above + i - j;
  }

  @Override
  public double pivot(int k) {
    return m[index(k, k)];
  }

  @Override
  public int exchanged(int k) {
    return exchanges[k];
  }

  @Override
  public void copyMultipliers(int k, int count, Matrix to) {
    System.arraycopy(m, index(k + 1, k), to.doubles(), to.offset(), count);
  }

  @Override
  public void copyUpperRow(int k, int count, Matrix to) {
    for (int i = 0; i < count; i++) {
      to.doubles()[to.offset() + i] = m[index(k, k + 1 + i)];
    }
  }

  @Override
  public void solve(boolean transpose, Matrix rows, int from, int count) {
    for (int r = 0; r < count; r++) {
      if (transpose) { // Aᵀ = M
        solvePlain(rows.doubles(), from + r * rows.stride());
      } else {
        solveTransposed(rows.doubles(), from + r * rows.stride());
      }
    }
  }

  /** M x = r: exchanges and multipliers from the top, U from the bottom. */
  private void solvePlain(double[] x, int at) {
    for (int k = 0; k < n; k++) {
      exchange(x, at + k, at + exchanges[k]);
      int last = Math.min(n - 1, k + below);
      add(-x[at + k], m, index(k + 1, k), x, at + k + 1, last - k);
    }
    for (int k = n - 1; k >= 0; k--) {
      x[at + k] /= m[index(k, k)];
      int first = Math.max(0, k - above);
      add(-x[at + k], m, index(first, k), x, at + first, k - first);
    }
  }

  /** Mᵀ x = r: Uᵀ from the top, multipliers and exchanges from the bottom. */
  private void solveTransposed(double[] x, int at) {
    for (int k = 0; k < n; k++) {
      int first = Math.max(0, k - above);
      double sum = dot(m, index(first, k), x, at + first, k - first);
      x[at + k] = (x[at + k] - sum) / m[index(k, k)];
    }
    for (int k = n - 1; k >= 0; k--) {
      int last = Math.min(n - 1, k + below);
      x[at + k] -= dot(m, index(k + 1, k), x, at + k + 1, last - k);
      exchange(x, at + k, at + exchanges[k]);
    }
  }

  private static void add(double scale, double[] a, int aFrom, double[] y, int yFrom, int count) {
    for (int i = 0; i < count; i++) {
      y[yFrom + i] += scale * a[aFrom + i];
    }
  }

  private static double dot(double[] a, int aFrom, double[] b, int bFrom, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += a[aFrom + i] * b[bFrom + i];
    }
    return sum;
  }

  private static void exchange(double[] x, int i, int j) {
    double kept = x[i];
    x[i] = x[j];
    x[j] = kept;
  }
}
