package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.LayersUnderTest.Subject;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.MaskedAffineCoupling;
import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.Architecture;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What weight normalisation promises beside the contract of all layers. */
class WeightNormalisationTest {
  private static final double ROUNDING = 1e-12;
  private static final int BATCH = 5;
  private static final int ORDER = 2;

  private final MaskedAffineCoupling plain = coupling(false);
  private final MaskedAffineCoupling normalised = coupling(true);

  private static MaskedAffineCoupling coupling(boolean weightNormalisation) {
    return new MaskedAffineCoupling(
        new double[] {0, 1, 0}, 4, 2, Activation.Kind.ELU, weightNormalisation);
  }

  private static Parameters initial(Layer layer, Precision precision) {
    return Parameters.initial(new Sequence(3, List.of(layer)).parametersByName(), precision, 7);
  }

  private static Matrix streams() {
    return LayerRun.randomStreams(new Subject("", 3, coupling(true), -2, 2), BATCH, ORDER);
  }

  private static LayerRun run(Layer layer, Parameters parameters) {
    return new LayerRun(layer, parameters, parameters.precision(), streams(), BATCH, "openblas", 1);
  }

  private static double norm(Matrix v, int row) {
    double sum = 0;
    for (int c = 0; c < v.columns(); c++) {
      sum += v.get(row, c) * v.get(row, c);
    }
    return Math.sqrt(sum);
  }

  @Test
  void everyWeightIsSavedAsDirectionsAndMagnitudes() {
    assertThat(initial(normalised, Precision.FLOAT64).names())
        .containsSubsequence("0.scale.0.weight_v", "0.scale.0.weight_g", "0.scale.0.bias")
        .contains("0.translation.4.weight_v", "0.translation.4.weight_g")
        .noneMatch(name -> name.endsWith(".weight"));
    assertThat(initial(plain, Precision.FLOAT64).names()).noneMatch(name -> name.contains("_"));
  }

  @Test
  void directionsStartAsThePlainDrawAndMagnitudesAsTheirNorms() {
    Parameters parameters = initial(normalised, Precision.FLOAT64);
    Map<String, Matrix> values = parameters.byName();
    String first = "0.scale.0.weight";
    assertThat(flat(values.get(first + "_v")))
        .containsExactly(flat(initial(plain, Precision.FLOAT64).byName().get(first)));
    values.forEach(
        (name, v) -> {
          if (name.endsWith("_v")) {
            Matrix g = values.get(name.replace("_v", "_g"));
            assertThat(g.columns()).isEqualTo(v.rows());
            for (int r = 0; r < v.rows(); r++) {
              assertThat(g.get(0, r)).isCloseTo(norm(v, r), within(1e-15));
            }
          }
        });
  }

  /** With the directions as its weights, the plain layer is the same function. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void startsAsThePlainLayer(Precision precision) {
    Parameters start = initial(normalised, precision);
    Parameters weights = initial(plain, precision);
    weights
        .byName()
        .forEach(
            (name, block) ->
                block.copyFrom(start.byName().get(name.endsWith(".weight") ? name + "_v" : name)));
    try (LayerRun expected = run(plain, weights);
        LayerRun found = run(normalised, start)) {
      expected.forward();
      found.forward();
      double tolerance = precision == Precision.FLOAT64 ? ROUNDING : 2e-5;
      assertClose(flat(found.y), flat(expected.y), tolerance);
      assertClose(flat(found.logDet()), flat(expected.logDet()), tolerance);
    }
  }

  @Test
  void lengthsOfDirectionsDoNotMatterAndTheirGradientIsAcross() {
    Parameters weights = LayerRun.randomParameters(normalised);
    Parameters longer = weights.copy(Precision.FLOAT64);
    longer
        .byName()
        .forEach(
            (name, block) -> {
              for (int r = 0; name.endsWith("_v") && r < block.rows(); r++) {
                for (int c = 0; c < block.columns(); c++) {
                  block.set(r, c, (r + 2) * block.get(r, c));
                }
              }
            });
    Matrix yBar = LayerRun.random(3, (ORDER + 1) * BATCH, 104);
    Matrix logDetBar = LayerRun.random(BATCH, ORDER + 1, 105);
    try (LayerRun expected = run(normalised, weights);
        LayerRun found = run(normalised, longer)) {
      assertClose(flat(found.forward().y), flat(expected.forward().y), ROUNDING);
      found.backward(yBar, logDetBar, ORDER, true, 1);
      expected.backward(yBar, logDetBar, ORDER, true, 1);
      for (Parameter block : normalised.parameters()) {
        Matrix gradient = found.sums.of(block);
        boolean direction = block.name().endsWith("_v");
        for (int r = 0; r < gradient.rows(); r++) {
          double along = 0;
          for (int c = 0; c < gradient.columns(); c++) {
            double shrunk = (direction ? r + 2 : 1) * gradient.get(r, c);
            assertThat(shrunk).isCloseTo(expected.sums.of(block).get(r, c), within(1e-10));
            along += gradient.get(r, c) * longer.of(block).get(r, c);
          }
          if (direction) {
            assertThat(along).isCloseTo(0, within(1e-10));
          }
        }
      }
    }
  }

  @Test
  void survivesItsDescriptionAndIsNotMentionedWhenOff() {
    assertThat(plain.description())
        .containsOnlyKeys("type", "mask", "width", "hidden", "activation");
    for (MaskedAffineCoupling layer : List.of(plain, normalised)) {
      Map<String, Object> description = layer.description();
      MaskedAffineCoupling read =
          (MaskedAffineCoupling)
              Architecture.layers(Shape.plain(3), List.of(description), "here").getFirst();
      assertThat(read.weightNormalisation()).isEqualTo(layer.weightNormalisation());
      assertThat(read.parameters().stream().map(Parameter::name))
          .containsExactlyElementsOf(layer.parameters().stream().map(Parameter::name).toList());
    }
    Map<String, Object> wrong = normalised.description();
    wrong.put("weight_normalisation", "yes");
    assertThatThrownBy(() -> Architecture.layers(Shape.plain(3), List.of(wrong), "here"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("here: layer 0");
  }
}
