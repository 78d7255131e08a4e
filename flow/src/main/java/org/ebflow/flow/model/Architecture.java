package org.ebflow.flow.model;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Description;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Precision;

/** Flows from the descriptions of their layers, as files hold them. */
public final class Architecture {
  private Architecture() {}

  /**
   * Layers from their descriptions.
   *
   * @param input shape of the rows that the first layer sees
   * @param descriptions as JSON holds them
   * @param source named in errors
   * @throws InvalidInputException if a description is not one of a known layer, or is of a user's
   *     own layer that says nothing of itself
   */
  public static List<Layer> layers(Shape input, List<?> descriptions, String source) {
    List<Layer> result = new ArrayList<>();
    Shape shape = input;
    for (int i = 0; i < descriptions.size(); i++) {
      try {
        Layer layer = LayerTypes.make(Description.nested(descriptions.get(i)), shape);
        shape = layer.outputShape(shape);
        result.add(layer);
      } catch (IllegalArgumentException | ArithmeticException e) {
        throw new InvalidInputException(
            source
                + ": layer "
                + i
                + " is "
                + descriptions.get(i)
                + ", expected a layer of this library or a registered one: "
                + e.getMessage(),
            e);
      }
    }
    return result;
  }

  /** A flow of these layers whose weights are still to be set. */
  public static Flow flow(Shape input, List<Layer> layers, Precision precision) {
    Flow.Builder builder = Flow.of(input).precision(precision);
    layers.forEach(builder::layer);
    return builder.build();
  }
}
