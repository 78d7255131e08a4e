package org.ebflow.linalg;

import org.jspecify.annotations.Nullable;

/**
 * Jets of the smooth leaky ReLU f(x) = a·x + b·softplus(x), with q = sigmoid(x), and of h = log f'
 * (MATH: docs/derivations/elementwise.md).
 *
 * <p>f' = a + b·q, f'' = b·q(1-q), f''' = f''(1-2q), f'''' = f''(1-6q+6q²); h' = f''/f', h'' =
 * f'''/f' - h'², h''' = f''''/f' - 3h'f'''/f' + 2h'³. a and b are positive.
 *
 * <p>Shapes: streams and cotangents are contiguous [rows,width] matrices of one precision;
 * log-determinants and their cotangents {@code c} are float64 [1,rows] views. Outputs may not
 * overlap inputs.
 */
public interface SmoothLeakyReluKernels {
  /** y ← f(x), sigmoid ← q, logDet[r] += Σ h over row r. */
  void value(double a, double b, Matrix x, Matrix y, Matrix sigmoid, Matrix logDet);

  /** y1 ← f'·x1, logDet1[r] += Σ h'·x1. */
  void tangent(double a, double b, Matrix sigmoid, Matrix x1, Matrix y1, Matrix logDet1);

  /** y2 ← f''·x1² + f'·x2, logDet2[r] += Σ h''·x1² + h'·x2. */
  void second(double a, double b, Matrix sigmoid, Matrix x1, Matrix x2, Matrix y2, Matrix logDet2);

  /** xBar0 ← f'·yBar0 + c0·h'. */
  void pullBack0(double a, double b, Matrix sigmoid, Matrix yBar0, Matrix c0, Matrix xBar0);

  /** xBar0 ← f'·yBar0 + f''·x1·yBar1 + c0·h' + c1·h''·x1; xBar1 ← f'·yBar1 + c1·h' unless null. */
  void pullBack1(
      double a,
      double b,
      Matrix sigmoid,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix c0,
      Matrix c1,
      Matrix xBar0,
      @Nullable Matrix xBar1);

  /**
   * xBar0 ← f'·yBar0 + f''·x1·yBar1 + (f'''·x1² + f''·x2)·yBar2 + c0·h' + c1·h''·x1 + c2·(h'''·x1²
   * + h''·x2); xBar1 ← f'·yBar1 + 2f''·x1·yBar2 + c1·h' + 2c2·h''·x1; xBar2 ← f'·yBar2 + c2·h'
   * unless null.
   */
  void pullBack2(
      double a,
      double b,
      Matrix sigmoid,
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

  /** x ← f⁻¹(y) by Newton's method to full precision. */
  void inverse(double a, double b, Matrix y, Matrix x);
}
