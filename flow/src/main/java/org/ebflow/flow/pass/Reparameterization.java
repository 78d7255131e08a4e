package org.ebflow.flow.pass;

/**
 * How a weight is computed from a block that is trained in its place. Layers multiply by the weight
 * as by any other. It is not trained, and its gradient is pulled back to the original's ({@link
 * Gradients#addPullBack}).
 */
public interface Reparameterization {
  /** The block that is trained. */
  Parameter original();

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
