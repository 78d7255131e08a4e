package org.ebflow.linalg;

/** A function with an inverse: f' is of one sign and never zero. */
public interface ElementwiseBijection extends ElementwiseFunction {
  /**
   * x ← f⁻¹(y).
   *
   * @param parameters read
   * @param y contiguous, read
   * @param x contiguous, overwritten
   */
  void inverse(Matrix parameters, Matrix y, Matrix x);
}
