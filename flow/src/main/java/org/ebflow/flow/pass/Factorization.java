package org.ebflow.flow.pass;

import org.ebflow.linalg.Precision;

/**
 * What is computed from the values of one block for log-determinants and inverses, such as LU
 * factors. {@link Parameters#keep} keeps it and says when the values have changed.
 */
public interface Factorization extends AutoCloseable {
  /** Format in which it is computed. */
  Precision precision();

  /** Computes it from the values as they are now, in the memory of the last ones. */
  void factorize();

  /** Frees memory; it may not be used any more. */
  @Override
  void close();
}
