package org.ebflow.linalg;

/**
 * Jets of the masked affine transform y = m·x + (1-m)·(x - t)·e^(-s), whose log-determinant is
 * -Σ(1-m)·s, given the jets of x, s and t.
 *
 * <p>Shapes: streams and cotangents contiguous [rows,width] of one precision; {@code mask}
 * [1,width] of zeros and ones; {@code scale} [rows,width] holds e^(-s0), kept by {@link #value};
 * log-determinants and their cotangents float64 [1,rows]. xBar outputs are the direct part only
 * (without the way through the networks of s and t). With {@code w = x - t} and {@code e_k} the jet
 * of e^(-s): e1 = -e0·s1, e2 = e0·(s1² - s2).
 */
public interface CouplingKernels {
  /** y0, scale ← e^(-s0), logDet[r] -= Σ(1-m)·s0. */
  void value(Matrix mask, Matrix x0, Matrix s0, Matrix t0, Matrix y0, Matrix scale, Matrix logDet);

  /** y1 ← m·x1 + (1-m)·(w1·e0 + w0·e1), logDet1[r] -= Σ(1-m)·s1. */
  void tangent(
      Matrix mask,
      Matrix scale,
      Matrix x0,
      Matrix s0,
      Matrix t0,
      Matrix x1,
      Matrix s1,
      Matrix t1,
      Matrix y1,
      Matrix logDet1);

  /** y2 ← m·x2 + (1-m)·(w2·e0 + 2w1·e1 + w0·e2), logDet2[r] -= Σ(1-m)·s2. */
  void second(
      Matrix mask, Matrix scale, Streams x, Streams s, Streams t, Matrix y2, Matrix logDet2);

  /**
   * Pulls the cotangents of orders 0…order back: overwrites xBar, sBar and tBar of the same orders.
   * {@code c} holds one float64 [1,rows] view per order.
   */
  void pullBack(
      int order,
      Matrix mask,
      Matrix scale,
      Streams x,
      Streams s,
      Streams t,
      Streams yBar,
      Streams c,
      Streams xBar,
      Streams sBar,
      Streams tBar);

  /** x ← m·y + (1-m)·(y·e^s + t). */
  void inverse(Matrix mask, Matrix y, Matrix s, Matrix t, Matrix x);
}
