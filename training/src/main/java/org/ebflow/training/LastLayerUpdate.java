package org.ebflow.training;

import java.util.Map;
import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;

/** Moves the last layer in a run's course; {@link #NONE} leaves it to the optimizer. */
interface LastLayerUpdate {
  /** For a layer that is trained as the others. */
  LastLayerUpdate NONE = new LastLayerUpdate() {};

  /** The flow whose parameters are trained, but for those that this moves. */
  default Flow freezing(Flow flow) {
    return flow;
  }

  /**
   * Updates the layer when that is due.
   *
   * @param step number of steps made, 0 before the first
   * @param weights of the flow, modified
   */
  default void afterStep(long step, Parameters weights) {}

  /**
   * Fits the layer to all training rows, for an evaluation.
   *
   * @param weights of the flow, modified
   */
  default void fit(Parameters weights) {}

  /** What a resumed run needs, by name: read for a checkpoint, overwritten from one. */
  default Map<String, Matrix> state() {
    return Map.of();
  }
}
