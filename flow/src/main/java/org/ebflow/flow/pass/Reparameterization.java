package org.ebflow.flow.pass;

/**
 * How a weight is computed from another block, its original, which is trained in its place. A
 * weight that is only restricted, such as a triangular one, is its own original: what must be zero
 * is set to zero. Layers multiply by the weight as by any other. Its gradient is pulled back to the
 * original's ({@link Gradients#addPullBack}).
 */
public interface Reparameterization {
  /** The block that is trained; the weight itself if that is only restricted. */
  Parameter original();

  /** How many numbers of the original are free, without those that are always zero. */
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
