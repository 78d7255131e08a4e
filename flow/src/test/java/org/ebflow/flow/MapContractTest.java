package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.ebflow.flow.MapsUnderTest.Subject;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.Affine;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.Composition;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.CouplingSplit;
import org.ebflow.flow.layer.Description;
import org.ebflow.flow.layer.DifferentiableMap;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.flow.layer.MapTypes;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;

/**
 * What every map of {@link MapsUnderTest} promises by itself. Its streams, cotangents and gradients
 * are tested as those of a coupling, in the battery of {@link LayersUnderTest}.
 */
class MapContractTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int BATCH = 5;

  static Stream<Subject> maps() {
    return MapsUnderTest.all();
  }

  static Stream<Arguments> inBothPrecisions() {
    return maps()
        .flatMap(
            subject ->
                Arrays.stream(Precision.values())
                    .map(precision -> Arguments.of(subject, precision)));
  }

  /** A pass of one worker through a map with random weights. */
  private static final class Run implements AutoCloseable {
    final Team team = new Team(1);
    final DifferentiableMap map;
    final Parameters parameters;
    final Workspace kept;
    final Gradients gradients;
    final Jet x;
    final Jet y;

    Run(Subject subject, Precision precision, int order) {
      map = subject.map();
      // the very weights of its coupling, by the map's own names
      parameters = LayerRun.randomParameters(subject.coupling()).copy(precision);
      Compute compute = Compute.of(precision, Blas.named("openblas"));
      kept = Workspace.forTeam(compute, parameters, team, BATCH, order, true)[0];
      gradients = new Gradients(team.worker(0), compute, parameters.zeros());
      x = jet(LayerRun.random(map.inputs(), (order + 1) * BATCH, 131).copy(precision));
      y = jet(Matrix.allocate(precision, (order + 1) * BATCH, map.outputs()));
      map.forward(x, y, kept, 0, order);
    }

    static Jet jet(Matrix all) {
      return new Jet(all, BATCH, 0, BATCH);
    }

    @Override
    public void close() {
      team.close();
    }
  }

  @ParameterizedTest
  @MethodSource("inBothPrecisions")
  void valuesMatchThePlainFormula(Subject subject, Precision precision) {
    try (Run run = new Run(subject, precision, 0)) {
      Map<String, Matrix> weights = run.parameters.byName();
      for (int r = 0; r < BATCH; r++) {
        double[] expected =
            subject
                .formula()
                .of(
                    run.x.stream(0).toRows()[r],
                    name -> Objects.requireNonNull(weights.get("translation." + name)).toRows());
        assertClose(
            run.y.stream(0).toRows()[r], expected, precision == Precision.FLOAT64 ? 1e-14 : 1e-6);
      }
    }
  }

  /** As many input cotangents as are asked for, none included, and the same gradient each time. */
  @ParameterizedTest
  @MethodSource("maps")
  void fewerInputCotangentsAreTheSameNumbers(Subject subject) {
    for (int order = 0; order <= 2; order++) {
      try (Run run = new Run(subject, Precision.FLOAT64, order)) {
        int rows = (order + 1) * BATCH;
        Jet yBar = Run.jet(LayerRun.random(subject.map().outputs(), rows, 132));
        double[] all = {};
        double[] gradient = {};
        for (int to = order; to >= -1; to--) {
          Matrix xBar = Matrix.allocate(Precision.FLOAT64, rows, subject.map().inputs());
          xBar.fill(LayerRun.UNTOUCHED);
          run.gradients.begin(1);
          subject.map().backward(yBar, run.kept, Run.jet(xBar), to, run.gradients);
          run.gradients.finish();
          if (to == order) {
            all = flat(xBar);
            gradient = flat(run.gradients.sums().flat());
          }
          int wanted = (to + 1) * BATCH * subject.map().inputs();
          double[] found = flat(xBar);
          assertClose(Arrays.copyOf(found, wanted), Arrays.copyOf(all, wanted), 1e-13);
          assertThat(Arrays.stream(found).skip(wanted))
              .allMatch(value -> value == LayerRun.UNTOUCHED);
          assertThat(flat(run.gradients.sums().flat())).containsExactly(gradient);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("maps")
  void aMapIsMadeAgainFromItsDescriptionAsJson(Subject subject) {
    String text = JSON.writeValueAsString(subject.map().description());
    @SuppressWarnings("unchecked")
    Map<String, Object> read = JSON.readValue(text, Map.class);
    Shape shape = subject.shape();
    DifferentiableMap again = MapTypes.make(read, shape);
    assertThat(again).hasSameClassAs(subject.map());
    assertThat(JSON.writeValueAsString(again.description())).isEqualTo(text);
    assertThat(again.outputShape(shape)).isEqualTo(subject.map().outputShape(shape));
    assertThat(again.outputShape(shape).size()).isEqualTo(again.outputs());
  }

  @Test
  void activationsKeepAnImageAndAffineMapsDoNot() {
    Shape image = new Shape(2, 3, 1);
    assertThat(new Activation(Activation.Kind.RELU, 6).outputShape(image)).isEqualTo(image);
    assertThat(new Affine(6, 4).outputShape(image)).isEqualTo(Shape.plain(4));
    assertThatThrownBy(() -> new Affine(5, 4).outputShape(image))
        .hasMessage("Affine(5 to 4): a row has 6 numbers, expected 5");
  }

  @Test
  void anActivationIsFoundByItsNameInFiles() {
    assertThat(Activation.Kind.named("leaky_relu")).isEqualTo(Activation.Kind.LEAKY_RELU);
    assertThatThrownBy(() -> Activation.Kind.named("gelu"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("activation is gelu, expected one of swish, elu, leaky_relu, relu, tanh");
  }

  @Test
  void mapsThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> new Composition(List.of(new Affine(3, 2), new Affine(3, 2))))
        .hasMessage(
            "Composition: Affine(3 to 2) takes 3 numbers, expected the 2 of Affine(3 to 2)");
    CouplingSplit split = CouplingSplit.firstHalf(5);
    assertThatThrownBy(
            () -> new Coupling(split, AffineTransform.bounded(2), List.of(new Affine(2, 5))))
        .hasMessage("Coupling: Affine(2 to 5) gives 5 numbers, expected 6");
    assertThatThrownBy(
            () -> new Coupling(split, AffineTransform.bounded(2), List.of(new Affine(3, 6))))
        .hasMessage("Affine(3 to 6): a row has 2 numbers, expected 3");
    assertThatThrownBy(() -> new Coupling(split, new AdditiveTransform(), List.of()))
        .hasMessage("Coupling: 0 networks, expected one, or one for each of [translation]");
  }

  @Test
  void splitsWithoutConditioningOrTransformedColumnsAreRefused() {
    for (double[] mask : new double[][] {{0, 0}, {1, 1}}) {
      assertThatThrownBy(() -> CouplingSplit.mask(mask))
          .hasMessageContaining("of 2 columns condition the others, expected 1 to 1");
    }
    assertThatThrownBy(() -> CouplingSplit.mask(.5, 1)).hasMessageContaining("zeros and ones");
    assertThatThrownBy(() -> CouplingSplit.columns(3, 1, 1))
        .hasMessageContaining("conditioning column 1, expected different ones from 0 to 2");
    assertThatThrownBy(() -> CouplingSplit.columns(3, 3)).hasMessageContaining("column 3");
  }

  @Test
  void aFileThatNamesAnUnknownMapOrTransformSaysSo() {
    Map<String, Object> split = Description.of("columns", "conditioning", List.of(0));
    Map<String, Object> unknownMap =
        Description.of(
            "coupling",
            "split",
            split,
            "transform",
            Description.of("additive"),
            "networks",
            List.of(Description.of("transformer")));
    assertThatThrownBy(() -> LayerTypes.make(unknownMap, Shape.plain(2)))
        .hasMessageStartingWith(
            "unknown map type transformer, expected one of [activation, affine");
    Map<String, Object> unknownTransform =
        Description.of(
            "coupling",
            "split",
            split,
            "transform",
            Description.of("spline"),
            "networks",
            List.of());
    assertThatThrownBy(() -> LayerTypes.make(unknownTransform, Shape.plain(2)))
        .hasMessage("transform is spline, expected one of [affine, bounded_affine, additive]");
  }
}
