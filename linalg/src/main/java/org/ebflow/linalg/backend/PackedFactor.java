package org.ebflow.linalg.backend;

import org.ebflow.linalg.Factor;
import org.ebflow.linalg.Matrix;

/**
 * A weight [n,k] as a library arranges it for many products x·weightᵀ.
 *
 * <p>Arguments were validated by the caller: shapes and formats fit and no dimension is zero.
 * {@link #multiply} runs on the calling thread and may run beside itself on others; it allocates
 * only until it has run for that number of rows on as many threads at once.
 */
public interface PackedFactor extends AutoCloseable {
  /**
   * y ← x·weightᵀ.
   *
   * @param x read, [m,k], in the weight's format
   * @param y overwritten, [m,n], float32
   */
  void multiply(Factor x, Matrix y);

  /** Frees its memory now; no other call may run beside or follow. */
  @Override
  void close();
}
