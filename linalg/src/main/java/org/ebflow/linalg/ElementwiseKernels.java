package org.ebflow.linalg;

import org.jspecify.annotations.Nullable;

/**
 * Jets of an elementwise bijection given its derivatives at x, and the logit with its derivatives.
 *
 * <p>Shapes: contiguous [rows,width] of one precision; log-determinants and their cotangents
 * float64 [1,rows]. Formulas: docs/derivations/elementwise.md.
 */
public interface ElementwiseKernels {
  /**
   * Derivatives of f and of h = log|f'| at every element of x.
   *
   * @param f1 f', [rows,width]
   * @param f2 f'', null when only order 0 is needed
   * @param f3 f''', null when only orders 0 and 1 are needed
   * @param h1 h'
   * @param h2 h'', null as f2
   * @param h3 h''', null as f3
   */
  record Derivatives(
      Matrix f1,
      @Nullable Matrix f2,
      @Nullable Matrix f3,
      Matrix h1,
      @Nullable Matrix h2,
      @Nullable Matrix h3) {}

  /** y1 ← f'·x1, logDet1[r] += Σ h'·x1. */
  void tangent(Derivatives d, Matrix x1, Matrix y1, Matrix logDet1);

  /** y2 ← f''·x1² + f'·x2, logDet2[r] += Σ h''·x1² + h'·x2. */
  void second(Derivatives d, Matrix x1, Matrix x2, Matrix y2, Matrix logDet2);

  /** xBar0 ← f'·yBar0 + c0·h'. */
  void pullBack0(Derivatives d, Matrix yBar0, Matrix c0, Matrix xBar0);

  /** As {@link SmoothLeakyReluKernels#pullBack1}. */
  void pullBack1(
      Derivatives d,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix c0,
      Matrix c1,
      Matrix xBar0,
      @Nullable Matrix xBar1);

  /** As {@link SmoothLeakyReluKernels#pullBack2}. */
  void pullBack2(
      Derivatives d,
      Matrix x1,
      Matrix x2,
      Matrix yBar0,
      Matrix yBar1,
      Matrix yBar2,
      Matrix c0,
      Matrix c1,
      Matrix c2,
      Matrix xBar0,
      Matrix xBar1,
      @Nullable Matrix xBar2);

  /**
   * y ← (log x - log(1-x))/smoothness, logDet[r] += Σ -log smoothness - log x - log(1-x). x lies in
   * (0,1).
   */
  void logit(double smoothness, Matrix x, Matrix y, Matrix logDet);

  /** Overwrites the non-null derivatives of the logit at x. */
  void logitDerivatives(double smoothness, Matrix x, Derivatives d);

  /** y ← 1/(1 + e^(-smoothness·x)), the inverse of the logit. */
  void sigmoid(double smoothness, Matrix x, Matrix y);
}
