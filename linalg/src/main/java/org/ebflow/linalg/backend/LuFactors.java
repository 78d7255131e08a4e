package org.ebflow.linalg.backend;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * Memory for the LU factors of one [n,n] matrix A, used again for every matrix that is factorised
 * in it. No call allocates, but for the first {@link #invert}.
 *
 * <p>Arguments were validated by the caller, n is positive, and a matrix that is solved or inverted
 * is not singular. Calls run on the calling thread. {@link #solve} may run beside itself on other
 * threads, nothing else may.
 */
public interface LuFactors extends AutoCloseable {
  /** Format of the rows that are solved and of the inverse. */
  Precision precision();

  /**
   * Factorises A with partial pivoting.
   *
   * @param a read, [n,n], in any precision
   */
  void factorize(Matrix a);

  /** Element i of the diagonal of U: zero if A is singular, and the product of all is ±det A. */
  double pivot(int i);

  /**
   * Solves A·x = r, or Aᵀ·x = r when transposed, for rows r of a matrix.
   *
   * @param rows read and overwritten with the solutions, in {@link #precision}
   * @param from index of the first row's first element in the array of {@code rows}
   * @param count number of rows, a stride of {@code rows} apart
   */
  void solve(boolean transpose, Matrix rows, int from, int count);

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

  /** Frees memory that no garbage collection would; no other call may follow. */
  @Override
  default void close() {
    // on the heap
  }
}
