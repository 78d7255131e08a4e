package org.ebflow.linalg;

/**
 * Spectral normalisation of a weight. Matrices are of one precision. The stride of a weight may
 * exceed its width. Sums of products are float64 but for those of the power iteration's first half,
 * and in a fixed order.
 */
public interface SpectralKernels {
  /**
   * v ← wᵀu/‖wᵀu‖, then u ← w v/‖w v‖. A norm of less than 1e-12 counts as 1e-12.
   *
   * @param w read, [out,in]
   * @param u read and overwritten, [1,out]
   * @param v overwritten, [1,in]
   */
  void powerIteration(Matrix w, Matrix u, Matrix v);

  /**
   * uᵀw v/(‖u‖·‖v‖).
   *
   * @param w read, [out,in]
   * @param u read, [1,out]
   * @param v read, [1,in]
   */
  double sigma(Matrix w, Matrix u, Matrix v);

  /** out ← w/sigma, both [rows,columns]. */
  void divide(Matrix w, double sigma, Matrix out);

  /**
   * Pulls the cotangent of w = original/sigma back, sigma as {@link #sigma} of the original and u
   * and v constant: originalBar ← (wBar - ⟨wBar, w⟩·u vᵀ/(‖u‖·‖v‖))/sigma in rows {@code from} to
   * {@code to} (exclusive).
   *
   * @param w read, [out,in]
   * @param u read, [1,out]
   * @param v read, [1,in]
   * @param wBar read, all of it, [out,in]
   * @param originalBar those rows overwritten, [out,in]
   */
  void pullBack(
      Matrix w,
      double sigma,
      Matrix u,
      Matrix v,
      Matrix wBar,
      Matrix originalBar,
      int from,
      int to);
}
