package org.ebflow.linalg;

/** Rounding of float32 numbers to bfloat16. */
public interface BFloat16Kernels {
  /**
   * rounded ← x, to the nearest, ties to even; what is too large becomes infinite, NaN stays NaN.
   *
   * @param x read, [rows,columns], float32
   * @param rounded overwritten, [rows,columns]; the stride of either may exceed its width
   */
  void round(Matrix x, BFloat16Matrix rounded);
}
