package org.ebflow.flow.pass;

/**
 * How a weight is computed from a block that is trained in its place, or what is zero in one that is
 * trained itself. Layers multiply by the weight as by any other. Its gradient is pulled back to the
 * original's ({@link Gradients#addPullBack}).
 */
public interface Reparameterization {
  /** The block that is trained; the weight itself where that is only restricted. */
  Parameter original();

  /** How many numbers of a restricted weight are free; of the original, where that is another. */
  default long count() {
    return (long) original().rows() * original().columns();
  }

  /** Overwrites the weight. {@link Parameters#changed} calls it. */
  void compute(Parameters parameters);

  /**
   * Changes what else the weight depends on, once at the beginning of a training step and before it
   * is computed. Nothing by default.
   */
  default void beginStep(Parameters parameters) {
    // the weight is a function of trained blocks
  }
}
