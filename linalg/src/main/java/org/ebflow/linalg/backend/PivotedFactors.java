package org.ebflow.linalg.backend;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/** LU factors with partial pivoting of one matrix A [n,n], whatever its structure. */
public interface PivotedFactors extends AutoCloseable {
  /** Format of the rows that are solved, and of an inverse. */
  Precision precision();

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

  /** Frees memory that no garbage collection would; no other call may follow. */
  @Override
  default void close() {
    // on the heap
  }
}
