package org.ebflow.flow;

import org.ebflow.linalg.Matrix;

/**
 * Name, shape and initial values of one block of weights. A layer holds these; the values lie in
 * {@link Parameters}, so that one architecture serves trained, averaged and perturbed weights.
 *
 * @param name within the layer, such as {@code weight}
 * @param rows rows of the block
 * @param columns columns of the block
 * @param initializer initial values
 */
public record Parameter(String name, int rows, int columns, Initializer initializer) {
  /** Writes initial values; {@code draws} is a source of noise of this block's own. */
  @FunctionalInterface
  public interface Initializer {
    /** Overwrites {@code values}, float64 [rows,columns]. */
    void initialize(Matrix values, InitialDraws draws);
  }

  /**
   * Two blocks are the same only if they are one object: weights are shared on purpose, never by
   * equal shapes.
   */
  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
