package org.ebflow.linalg.backend;

import org.ebflow.linalg.Matrix;

/**
 * Memory for the LU factors of one [n,n] matrix A, used again for every matrix that is factorised
 * in it. No call allocates, but for the first {@link #invert}.
 *
 * <p>Arguments were validated by the caller, n is positive, and a matrix that is solved or inverted
 * is not singular. Calls run on the calling thread. {@link #solve} may run beside itself on other
 * threads, nothing else may.
 */
public interface LuFactors extends PivotedFactors {
  /**
   * Factorises A with partial pivoting.
   *
   * @param a read, [n,n], in any precision
   */
  void factorize(Matrix a);

  /** Computes A⁻¹ beside the factors. */
  void invert();

  /**
   * Copies elements of A⁻¹ after {@link #invert}.
   *
   * @param row row of A⁻¹
   * @param column first column
   * @param count number of columns
   * @param to overwritten, in {@link #precision}
   * @param at index of the first element in the array of {@code to}
   */
  void copyInverse(int row, int column, int count, Matrix to, int at);
}
