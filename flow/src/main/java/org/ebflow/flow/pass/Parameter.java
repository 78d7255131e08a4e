package org.ebflow.flow.pass;

import org.ebflow.linalg.Matrix;

/**
 * Name, shape and initial values of one block of weights. A layer holds these; the values lie in
 * {@link Parameters}, so that one architecture serves trained, averaged and perturbed weights.
 *
 * @param name within the layer, such as {@code weight}
 * @param rows rows of the block
 * @param columns columns of the block
 * @param initializer initial values
 * @param trained whether an optimizer updates it; a block that is not trained is written by its
 *     layer alone, and saved, resumed and averaged like the others
 */
public record Parameter(
    String name, int rows, int columns, Initializer initializer, boolean trained) {
  /** A block that is trained. */
  public Parameter(String name, int rows, int columns, Initializer initializer) {
    this(name, rows, columns, initializer, true);
  }

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
