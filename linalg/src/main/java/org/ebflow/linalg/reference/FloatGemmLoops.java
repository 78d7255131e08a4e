package org.ebflow.linalg.reference;

/**
 * Matrix product c ← alpha·op(a)·op(b) + beta·c of row-major float32 matrices, each sum in float64
 * and rounded once.
 */
public final class FloatGemmLoops {
  private FloatGemmLoops() {}

  /**
   * c ← alpha·op(a)·op(b) + beta·c; element (r, c) of a matrix lies at {@code offset + r·stride +
   * c}.
   *
   * @param a read, [m,k], or [k,m] when transposed
   * @param b read, [k,n], or [n,k] when transposed
   * @param c overwritten, [m,n]; not read when beta is 0
   */
  public static void multiply(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      float alpha,
      float[] a,
      int aOffset,
      int aStride,
      float[] b,
      int bOffset,
      int bStride,
      float beta,
      float[] c,
      int cOffset,
      int cStride) {
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int p = 0; p < k; p++) {
          double factor = a[aOffset + (transposeA ? p * aStride + i : i * aStride + p)];
          sum += factor * b[bOffset + (transposeB ? j * bStride + p : p * bStride + j)];
        }
        int at = cOffset + i * cStride + j;
        c[at] = (float) (alpha * sum + (beta == 0 ? 0 : (double) beta * c[at]));
      }
    }
  }
}
