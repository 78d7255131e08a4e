package org.ebflow.linalg;

/**
 * Jets of the scaling y = x·e^(-s) of a coupling, given the jets of x and s. Its log-determinant is
 * -Σs.
 *
 * <p>Shapes: streams and cotangents are contiguous [rows,width] matrices of one precision. {@code
 * scale} [rows,width] holds e^(-s0), which {@link #value} writes. Log-determinants and their
 * cotangents c are float64 [1,rows]. With {@code e_k} the jet of e^(-s): e1 = -e0·s1, e2 = e0·(s1²
 * - s2). y may be x.
 */
public interface CouplingKernels {
  /** y0 ← x0·e0, scale ← e^(-s0), logDet[r] -= Σs0. */
  void value(Matrix x0, Matrix s0, Matrix y0, Matrix scale, Matrix logDet);

  /** y1 ← x1·e0 + x0·e1, logDet1[r] -= Σs1. */
  void tangent(Matrix scale, Streams x, Streams s, Matrix y1, Matrix logDet1);

  /** y2 ← x2·e0 + 2x1·e1 + x0·e2, logDet2[r] -= Σs2. */
  void second(Matrix scale, Streams x, Streams s, Matrix y2, Matrix logDet2);

  /**
   * Pulls the cotangents of orders 0…order back to those of orders 0…toOrder of x and s.
   *
   * @param order 0 to 2
   * @param yBar read, of orders 0…order
   * @param c float64 [1,rows] per order, read
   * @param xBar overwritten
   * @param sBar overwritten
   * @param toOrder -1 to {@code order}
   */
  void pullBack(
      int order,
      Matrix scale,
      Streams x,
      Streams s,
      Streams yBar,
      Streams c,
      Streams xBar,
      Streams sBar,
      int toOrder);

  /** x ← y·e^s. */
  void inverse(Matrix y, Matrix s, Matrix x);
}
