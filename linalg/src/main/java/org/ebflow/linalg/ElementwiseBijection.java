package org.ebflow.linalg;

/** A function that is a bijection onto its range, with h = log|f'| and its derivatives. */
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
