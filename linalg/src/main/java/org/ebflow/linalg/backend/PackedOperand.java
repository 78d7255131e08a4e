package org.ebflow.linalg.backend;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;

/**
 * A weight [n,k] packed by a library for many products x·weightᵀ.
 *
 * <p>Arguments were validated by the caller: shapes and formats fit and no dimension is zero.
 * Products run on the calling thread and may run beside each other. For each number of rows there
 * are as many working buffers as products of that number have run at once.
 */
public interface PackedOperand extends AutoCloseable {
  /**
   * y ← x·weightᵀ.
   *
   * @param x read, [m,k], in the weight's format
   * @param y overwritten, [m,n], float32
   * @param rows at least m: computed as a product of so many rows, on which the order of its sums
   *     may depend
   */
  void multiply(Operand x, Matrix y, int rows);

  /** Frees its memory now; no other call may run beside or follow. */
  @Override
  void close();
}
