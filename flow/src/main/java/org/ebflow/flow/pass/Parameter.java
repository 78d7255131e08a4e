package org.ebflow.flow.pass;

import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

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
 * @param operand whether rows are multiplied by the whole block ({@link
 *     Workspace#multiplyTransposed(Jet, Parameter, Jet, int, int)}): a large one is packed for
 *     scores and rounded for bfloat16 products
 * @param derived what rows are multiplied by where a layer computes that from the block: packed for
 *     scores and rounded for bfloat16 products, too; null where nothing is
 * @param reparameterization computes it from other blocks whenever the weights change; null for a
 *     block of its own
 */
public record Parameter(
    String name,
    int rows,
    int columns,
    Initializer initializer,
    boolean trained,
    boolean operand,
    @Nullable DerivedOperands derived,
    @Nullable Reparameterization reparameterization) {
  /** A block of its own. */
  public Parameter(
      String name,
      int rows,
      int columns,
      Initializer initializer,
      boolean trained,
      boolean operand) {
    this(name, rows, columns, initializer, trained, operand, null, null);
  }

  /** A block that is no operand as a whole. */
  public Parameter(String name, int rows, int columns, Initializer initializer, boolean trained) {
    this(name, rows, columns, initializer, trained, false);
  }

  /** A block that is trained and no operand as a whole. */
  public Parameter(String name, int rows, int columns, Initializer initializer) {
    this(name, rows, columns, initializer, true);
  }

  /** A weight [out,in] that is trained and that rows are multiplied by. */
  public static Parameter weight(String name, int out, int in, Initializer initializer) {
    return new Parameter(name, out, in, initializer, true, true);
  }

  /** A trained weight from which the matrices are computed that rows are multiplied by. */
  public static Parameter weight(
      String name, int rows, int columns, Initializer initializer, DerivedOperands derived) {
    return new Parameter(name, rows, columns, initializer, true, false, derived, null);
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
