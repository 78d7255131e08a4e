package org.ebflow.linalg.reference;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/** QR by Householder reflections in plain loops, in float64. */
public final class QrLoops {
  private QrLoops() {}

  /**
   * R of a = Q·R.
   *
   * @param a read, [m,n]
   * @param r overwritten, [m,n], zero below the diagonal
   */
  public static void triangularFactor(Matrix a, Matrix r) {
    int m = a.rows();
    int n = a.columns();
    Matrix work = a.copy(Precision.FLOAT64);
    double[] w = work.doubles();
    double[] sums = new double[n];
    for (int k = 0; k < Math.min(m - 1, n); k++) {
      reflect(w, m, n, k, sums);
    }
    r.copyFrom(work);
  }

  /** Turns column k to its diagonal element, and the columns behind it by the same reflection. */
  private static void reflect(double[] w, int m, int n, int k, double[] sums) {
    double largest = 0;
    for (int i = k; i < m; i++) {
      largest = Math.max(largest, Math.abs(w[i * n + k]));
    }
    if (largest == 0) {
      return; // nothing to turn
    }
    double squares = 0;
    for (int i = k; i < m; i++) {
      double scaled = w[i * n + k] / largest; // no overflow
      squares += scaled * scaled;
    }
    double norm = largest * Math.sqrt(squares);
    double diagonal = w[k * n + k] > 0 ? -norm : norm;
    // I - τ v vᵀ with v_k = 1: v_i = w_ik/(w_kk - diagonal), τ = (diagonal - w_kk)/diagonal
    double first = w[k * n + k] - diagonal;
    for (int j = k + 1; j < n; j++) {
      sums[j] = w[k * n + j];
    }
    for (int i = k + 1; i < m; i++) {
      w[i * n + k] /= first;
      for (int j = k + 1; j < n; j++) {
        sums[j] += w[i * n + k] * w[i * n + j];
      }
    }
    for (int j = k + 1; j < n; j++) {
      sums[j] *= first / diagonal; // -τ vᵀw_j
      w[k * n + j] += sums[j];
    }
    for (int i = k + 1; i < m; i++) {
      for (int j = k + 1; j < n; j++) {
        w[i * n + j] += w[i * n + k] * sums[j];
      }
      w[i * n + k] = 0;
    }
    w[k * n + k] = diagonal;
  }
}
