package org.ebflow.flow.pass;

import org.ebflow.linalg.Precision;

/**
 * What log-determinants and inverses need of the matrices in one block, such as LU factors. {@link
 * Parameters#keep} takes it, and {@link Parameters#factorization} computes it again when the values
 * have changed.
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
