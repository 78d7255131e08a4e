package org.ebflow.linalg;

/**
 * A function f of one number, applied to every element of a matrix: its value and its derivatives.
 * {@link ElementwiseJets} computes from them, for every function, streams of orders 1 and 2,
 * cotangents and log-determinants.
 *
 * <p>The methods work on a block: {@code n} elements from number {@code from} on, in row-major
 * order. A block is made of whole rows or lies within one row. x, y and what is kept are contiguous
 * [rows,width] matrices, and element i of the block is their number {@code from + i}. The
 * derivatives are a scratch of the caller, whose number i belongs to element i.
 *
 * <p>{@code parameters} is a matrix in the precision of x whose shape the function defines:
 * [1,count] for constants, [1,width] for one trainable number per column.
 *
 * <p>Threading: without state.
 */
public interface ElementwiseFunction {
  /**
   * Derivatives of f at the elements of a block, [1,·] each.
   *
   * @param f1 f'
   * @param f2 f''
   * @param f3 third derivative
   * @param f4 fourth derivative
   */
  record Derivatives(Matrix f1, Matrix f2, Matrix f3, Matrix f4) {}

  /**
   * Number of matrices [rows,width] that {@link #value} leaves for {@link #derivatives}.
   *
   * @param order highest order of the jet that goes through, -1 if the derivatives are not asked
   *     for
   */
  int keeps(int order);

  /**
   * Whether f'' and all further derivatives are zero wherever f has them. Then f' alone is asked
   * for where there is no log-determinant.
   */
  default boolean piecewiseLinear() {
    return false;
  }

  /**
   * y ← f(x), f1 ← f'(x).
   *
   * @param parameters read
   * @param x read
   * @param y overwritten
   * @param kept overwritten
   * @param f1 overwritten
   */
  void value(Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n);

  /**
   * Overwrites the derivatives of f up to that of order {@code highest}, 1 to 4; a jet of order k
   * needs k + 1 of them, and one more for the log-determinant.
   *
   * @param parameters read
   * @param x read
   * @param kept read
   * @param d overwritten
   */
  void derivatives(
      Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n);

  /**
   * Cotangents of f', f'' and f''' at the elements of a block, scratches [1,·], those of the
   * log-determinant included. What a jet's order does not reach is zero.
   *
   * @param f1 of f'
   * @param f2 of f''
   * @param f3 of f''', zero without a log-determinant
   */
  record Cotangents(Matrix f1, Matrix f2, Matrix f3) {}

  /**
   * Takes the cotangents of f and its derivatives at every element to what the gradient of the
   * trainable parameters is a sum of. A function with one number per column gives for row j of the
   * parameters bar_j ← fBar0·∂f/∂θ_j + fBar1·∂f'/∂θ_j + fBar2·∂f''/∂θ_j + fBar3·∂f'''/∂θ_j, whose
   * column sums are the gradient; another says what it gives. Does nothing for a function without
   * trainable parameters.
   *
   * @param parameters read
   * @param x read
   * @param kept read
   * @param fBar0 of f, [rows,width], read
   * @param fBar of the derivatives, read
   * @param bars matrices [rows,width], overwritten
   */
  default void pullBackParameters(
      Matrix parameters,
      Matrix x,
      Matrix[] kept,
      Matrix fBar0,
      Cotangents fBar,
      Matrix[] bars,
      int from,
      int n) {}
}
