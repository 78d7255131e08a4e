package org.ebflow.flow.model;

import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Precision;

/** Shape of a model, enough to build it again. */
public sealed interface ModelConfig
    permits FullyConnectedConfig, CouplingConfig, SplineConfig, PatchesConfig {
  /** Name of the architecture in recipes: fc, coupling, spline or patches. */
  String type();

  /** Where its weights start. */
  Init init();

  /**
   * The layers of the model on rows of that shape, without weights yet.
   *
   * @throws IllegalArgumentException if it does not take such rows
   */
  Flow.Builder layers(Shape input);

  /** The model on rows of {@code dimension} numbers that are no images, with fresh weights. */
  default Flow build(int dimension, Precision precision, long seed) {
    return build(Shape.plain(dimension), precision, seed);
  }

  /**
   * The model on rows of that shape, with fresh weights.
   *
   * @throws IllegalArgumentException if it does not take such rows
   */
  default Flow build(Shape input, Precision precision, long seed) {
    return layers(input).precision(precision).seed(seed).build();
  }

  /** Refuses a published start of a model that has none. */
  static void requireStartAtIdentity(Init init) {
    if (init == Init.PUBLISHED) {
      throw new IllegalArgumentException(
          "init is published, expected identity or whitening: this model was never published");
    }
  }
}
