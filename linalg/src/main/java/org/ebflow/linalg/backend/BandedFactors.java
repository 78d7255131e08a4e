package org.ebflow.linalg.backend;

import org.ebflow.linalg.BandedLu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

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
public interface BandedFactors extends PivotedFactors {
  @Override
  default Precision precision() {
    return Precision.FLOAT64;
  }

  /**
   * Factorises A with partial pivoting.
   *
   * @param rows gives the rows of A
   */
  void factorize(BandedLu.Row rows);

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
}
