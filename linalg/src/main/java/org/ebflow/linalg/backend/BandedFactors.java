package org.ebflow.linalg.backend;

import org.ebflow.linalg.BandedLu;
import org.ebflow.linalg.Matrix;

/**
 * Memory for the float64 LU factors of one banded matrix A [n,n], used again for every matrix that
 * is factorised in it. No call allocates.
 *
 * <p>What is factorised is M = Aᵀ, whose column j is row j of A, in LAPACK's gbtrf form. Step k
 * exchanges row k of what is left of M with a row at most {@code upper} below it, and subtracts
 * multiples of row k from the {@code upper} rows that follow. What remains is U, with {@code lower
 * + upper} diagonals above the main one.
 *
 * <p>Arguments were validated by the caller, n is positive, and a matrix that is solved is not
 * singular. Calls run on the calling thread. {@link #solve} may run beside itself on other threads,
 * nothing else may.
 */
public interface BandedFactors extends AutoCloseable {
  /**
   * Factorises A with partial pivoting.
   *
   * @param rows gives the rows of A
   */
  void factorize(BandedLu.Row rows);

  /** Element k of the diagonal of U: zero if A is singular, and the product of all is ±det A. */
  double pivot(int k);

  /** The row that step k exchanged row k with, at least k. */
  int exchanged(int k);

  /**
   * Copies the multipliers of step k: of the {@code count} rows below row k.
   *
   * @param to overwritten from its beginning, float64 [1,*]
   */
  void copyMultipliers(int k, int count, Matrix to);

  /**
   * Copies row k of U, the {@code count} elements right of the diagonal.
   *
   * @param to overwritten from its beginning, float64 [1,*]
   */
  void copyUpperRow(int k, int count, Matrix to);

  /**
   * Solves A·x = r, or Aᵀ·x = r when transposed, for rows r of a matrix.
   *
   * @param rows read and overwritten with the solutions, float64
   * @param from index of the first row's first element in the array of {@code rows}
   * @param count number of rows, a stride of {@code rows} apart
   */
  void solve(boolean transpose, Matrix rows, int from, int count);

  /** Frees memory that no garbage collection would; no other call may follow. */
  @Override
  default void close() {
    // on the heap
  }
}
