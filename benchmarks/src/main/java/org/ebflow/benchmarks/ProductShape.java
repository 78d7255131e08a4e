package org.ebflow.benchmarks;

import org.ebflow.linalg.Matrix;

/**
 * op(a)·op(b), [m,k]·[k,n], in float32.
 *
 * @param m rows of the output
 * @param k inner dimension
 * @param n columns of the output
 */
record ProductShape(boolean transposeA, boolean transposeB, int m, int k, int n) {
  static ProductShape of(boolean transposeA, Matrix a, boolean transposeB, Matrix c) {
    return new ProductShape(
        transposeA, transposeB, c.rows(), transposeA ? a.rows() : a.columns(), c.columns());
  }

  /** Floating-point operations. */
  double flop() {
    return 2.0 * m * k * n;
  }

  @Override
  public String toString() {
    return operand(transposeA, m, k) + "x" + operand(transposeB, k, n);
  }

  private static String operand(boolean transpose, int rows, int columns) {
    return transpose ? "[" + columns + "," + rows + "]'" : "[" + rows + "," + columns + "]";
  }
}
