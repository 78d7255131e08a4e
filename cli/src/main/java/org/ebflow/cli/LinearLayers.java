package org.ebflow.cli;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Dense;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Precision;

/**
 * Condition numbers of a flow's dense layers.
 *
 * @param conditions in the order of the layers, estimates in the 1-norm
 */
record LinearLayers(List<Condition> conditions) {
  /** Above, a float32 inverse or sample has no correct digit left. */
  private static final double NEAR_SINGULAR = 1e7;

  /**
   * Condition number of one layer.
   *
   * @param layer its index in the flow
   */
  record Condition(int layer, double number) {}

  static LinearLayers of(Flow flow, Blas blas) {
    List<Condition> conditions = new ArrayList<>();
    for (int i = 0; i < flow.layers().size(); i++) {
      if (flow.layers().get(i) instanceof Dense dense) {
        conditions.add(
            new Condition(
                i, flow.parameters().lu(dense.weight(), blas, Precision.FLOAT64).condition()));
      }
    }
    return new LinearLayers(conditions);
  }

  void warnIfNearSingular() {
    for (Condition condition : conditions) {
      if (!(condition.number() <= NEAR_SINGULAR)) {
        System.getLogger(LinearLayers.class.getName())
            .log(
                System.Logger.Level.WARNING,
                String.format(
                    "layer %d (dense) is near singular: condition number %.3g",
                    condition.layer(), condition.number()));
      }
    }
  }
}
