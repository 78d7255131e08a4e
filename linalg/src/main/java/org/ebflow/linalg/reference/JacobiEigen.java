package org.ebflow.linalg.reference;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations in plain loops
 * (Golub and Van Loan, Matrix Computations, section 8.5), in float64.
 */
public final class JacobiEigen {
  private static final int MOST_SWEEPS = 60;

  private final int n;
  private final double[] a;
  private final double[] v;

  private JacobiEigen(Matrix symmetric) {
    n = symmetric.rows();
    a = symmetric.copy(Precision.FLOAT64).doubles();
    v = new double[n * n];
    for (int i = 0; i < n; i++) {
      v[i * n + i] = 1;
    }
  }

  /**
   * Eigenvalues in ascending order, each with its eigenvector.
   *
   * @param symmetric read, [n,n], its upper triangle
   * @param values overwritten, [1,n] float64
   * @param vectors overwritten, [n,n] float64: row i is the eigenvector of value i
   */
  public static void decompose(Matrix symmetric, Matrix values, Matrix vectors) {
    JacobiEigen eigen = new JacobiEigen(symmetric);
    int sweep = 0;
    while (sweep < MOST_SWEEPS && eigen.sweep()) {
      sweep++;
    }
    eigen.write(values, vectors);
  }

  /** Rotates every pair once; whether any was still worth it. */
  private boolean sweep() {
    boolean rotated = false;
    for (int p = 0; p < n; p++) {
      for (int q = p + 1; q < n; q++) {
        double off = a[p * n + q];
        double scale = Math.sqrt(Math.abs(a[p * n + p])) * Math.sqrt(Math.abs(a[q * n + q]));
        if (Math.abs(off) > Math.ulp(scale) / 2 && Math.abs(off) > Double.MIN_NORMAL) {
          rotate(p, q);
          rotated = true;
        }
      }
    }
    return rotated;
  }

  /** Makes element (p,q) zero: the smaller of the two angles that do. */
  private void rotate(int p, int q) {
    double tau = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
    double t = Math.copySign(1, tau) / (Math.abs(tau) + Math.hypot(1, tau));
    double cos = 1 / Math.hypot(1, t);
    double sin = t * cos;
    double diagonalP = Math.fma(-t, a[p * n + q], a[p * n + p]);
    double diagonalQ = Math.fma(t, a[p * n + q], a[q * n + q]);
    for (int k = 0; k < n; k++) {
      if (k != p && k != q) {
        int kp = upper(k, p);
        int kq = upper(k, q);
        double x = a[kp];
        double y = a[kq];
        a[kp] = cos * x - sin * y;
        a[kq] = sin * x + cos * y;
      }
      double x = v[p * n + k];
      double y = v[q * n + k];
      v[p * n + k] = cos * x - sin * y;
      v[q * n + k] = sin * x + cos * y;
    }
    a[p * n + p] = diagonalP;
    a[q * n + q] = diagonalQ;
    a[p * n + q] = 0;
  }

  /** Index of elements (i,j) and (j,i), which are one. */
  private int upper(int i, int j) {
    return Math.min(i, j) * n + Math.max(i, j);
  }

  private void write(Matrix values, Matrix vectors) {
    int[] order =
        IntStream.range(0, n)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> a[i * n + i]))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int i = 0; i < n; i++) {
      values.set(0, i, a[order[i] * n + order[i]]);
      for (int c = 0; c < n; c++) {
        vectors.set(i, c, v[order[i] * n + c]);
      }
    }
  }
}
