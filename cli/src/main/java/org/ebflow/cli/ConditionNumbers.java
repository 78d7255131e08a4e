package org.ebflow.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.linalg.Blas;

/**
 * Condition numbers of a flow's linear layers.
 *
 * @param conditions in the order of the layers, estimates in the 1-norm
 */
record ConditionNumbers(List<Condition> conditions) {
  /** Above, a float32 inverse or sample has no correct digit left. */
  private static final double NEAR_SINGULAR = 1e7;

  /**
   * Condition number of one layer.
   *
   * @param layer its index in the flow
   * @param name of the layer, or of the part of it
   */
  record Condition(int layer, String name, double number) {}

  static ConditionNumbers of(Flow flow, Blas blas) {
    List<Condition> conditions = new ArrayList<>();
    for (int i = 0; i < flow.layers().size(); i++) {
      int layer = i;
      for (ConstantJacobian part : flow.layers().get(i).constantParts()) {
        part.condition(flow.parameters(), blas)
            .ifPresent(number -> conditions.add(new Condition(layer, part.toString(), number)));
      }
    }
    return new ConditionNumbers(conditions);
  }

  void warnIfNearSingular() {
    for (Condition condition : conditions) {
      if (!(condition.number() <= NEAR_SINGULAR)) {
        System.getLogger(ConditionNumbers.class.getName())
            .log(
                System.Logger.Level.WARNING,
                String.format(
                    Locale.ROOT,
                    "layer %d (%s) is near singular: condition number %.3g",
                    condition.layer(),
                    condition.name(),
                    condition.number()));
      }
    }
  }
}
