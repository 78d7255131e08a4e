package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.ebflow.flow.LayersUnderTest.Subject;
import org.ebflow.flow.layer.Description;
import org.ebflow.flow.layer.Elementwise;
import org.ebflow.flow.layer.ElementwiseLayer;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.Architecture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

class LayerTypesTest {
  private static final JsonMapper JSON = new JsonMapper();

  static List<Subject> layers() {
    return LayersUnderTest.all().filter(subject -> subject.layer().description() != null).toList();
  }

  @ParameterizedTest
  @MethodSource("layers")
  void aLayerIsMadeAgainFromItsDescriptionAsJson(Subject subject) {
    Map<String, Object> description = Objects.requireNonNull(subject.layer().description());
    String text = JSON.writeValueAsString(description);
    @SuppressWarnings("unchecked")
    Map<String, Object> read = JSON.readValue(text, Map.class);
    Shape shape = subject.shape();
    Layer again = LayerTypes.make(read, shape);
    assertThat(again.getClass()).isEqualTo(subject.layer().getClass());
    assertThat(JSON.writeValueAsString(again.description())).isEqualTo(text);
    assertThat(again.parametersByName().keySet())
        .containsExactlyElementsOf(subject.layer().parametersByName().keySet());
    assertThat(again.outputShape(shape)).isEqualTo(subject.layer().outputShape(shape));
  }

  @Test
  void everyLayerOfTheLibraryHasADescription() {
    assertThat(LayersUnderTest.all().filter(subject -> subject.layer().description() == null))
        .extracting(Subject::name)
        .containsExactly("ElementwiseLayer"); // of a function that has none
  }

  /** A function of a user's own that files can name. */
  private record Cube(double slope) implements Elementwise {
    private static final String TYPE = "test_cube";

    @Override
    public Map<String, Object> description() {
      return Description.of(TYPE, "slope", slope);
    }

    @Override
    public double value(double x) {
      return slope * x + x * x * x;
    }

    @Override
    public double first(double x) {
      return slope + 3 * x * x;
    }

    @Override
    public double second(double x) {
      return 6 * x;
    }

    @Override
    public double third(double x) {
      return 6;
    }

    @Override
    public double fourth(double x) {
      return 0;
    }

    @Override
    public double inverse(double y) {
      return y;
    }
  }

  @Test
  void aRegisteredLayerIsMadeAndItsTypeIsTaken() {
    Map<String, Object> description = Description.of(Cube.TYPE, "slope", 2);
    assertThatThrownBy(() -> Architecture.layers(Shape.plain(2), List.of(description), "a file"))
        .hasMessageStartingWith("a file: layer 0 is {type=test_cube, slope=2}, expected")
        .hasMessageContaining("unknown layer type test_cube");
    LayerTypes.Factory factory =
        (read, shape) -> new ElementwiseLayer(new Cube(read.number("slope")));
    LayerTypes.register(Cube.TYPE, factory);
    Layer made = LayerTypes.make(description, Shape.plain(2));
    assertThat(made).hasToString("ElementwiseLayer(Cube[slope=2.0])");
    assertThat(LayerTypes.describe(made)).isEqualTo(Description.of(Cube.TYPE, "slope", 2.0));
    assertThatThrownBy(() -> LayerTypes.register(Cube.TYPE, factory))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("test_cube is known already");
  }

  @Test
  void aLayerOfAServiceIsMade() {
    assertThat(LayerTypes.make(Map.of("type", ProvidedLayers.TYPE), Shape.plain(2)))
        .hasToString("ElementwiseLayer(Sinh[])");
  }
}
