package org.ebflow.flow.pass;

import org.jspecify.annotations.Nullable;

/**
 * What a dense layer y = x Wᵀ + b sums in place of the gradient W̄ = ȳᵀx of its weight, for an
 * objective that follows another direction than the gradient. Passes are of order 0.
 */
@FunctionalInterface
public interface WeightRule {
  /**
   * Notes the sums for the weight in {@code gradients}. The layer itself notes that of the bias.
   * Every worker calls it at the same place.
   *
   * @param yBar cotangents of the layer's output, read
   * @param xBar those of its input, read; null where nobody else wants them
   * @param kept the layer's workspace, which knows its input and its output; its slots of jets and
   *     objects are free
   */
  void note(
      Parameter weight,
      Parameter bias,
      Jet yBar,
      @Nullable Jet xBar,
      Workspace kept,
      Gradients gradients);
}
