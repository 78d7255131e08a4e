package org.ebflow.flow.model;

import org.ebflow.flow.Flow;
import org.ebflow.linalg.Precision;

/** Shape of a model, enough to build it again. */
public sealed interface ModelConfig permits FullyConnectedConfig, CouplingConfig, SplineConfig {
  /** Name of the architecture in recipes: fc, coupling or spline. */
  String type();

  /** The model on rows of {@code dimension} numbers, with fresh weights. */
  Flow build(int dimension, Precision precision, long seed);
}
