package org.ebflow.linalg.reference;

/** Transposition of a block that lies in the first cache. */
public final class FloatTranspose {
  private FloatTranspose() {}

  /**
   * sum ← sum + scale·blockᵀ.
   *
   * @param block read, [rows,columns], element (r, c) at {@code r·blockStride + c}
   * @param sum accumulated into, [columns,rows], element (c, r) at {@code from + c·sumStride + r}
   */
  public static void add(
      float scale,
      float[] block,
      int blockStride,
      int rows,
      int columns,
      float[] sum,
      int from,
      int sumStride) {
    for (int c = 0; c < columns; c++) {
      int at = from + c * sumStride;
      for (int r = 0; r < rows; r++) {
        sum[at + r] += scale * block[r * blockStride + c];
      }
    }
  }
}
