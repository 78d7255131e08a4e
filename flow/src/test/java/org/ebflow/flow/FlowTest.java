package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.ebflow.flow.LayersUnderTest.Sinh;
import org.ebflow.flow.MapsUnderTest.ProductsOfPairs;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.Affine;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.ColumnRange;
import org.ebflow.flow.layer.Composition;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.CouplingSplit;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Logit;
import org.ebflow.flow.layer.MaskedAffineCoupling;
import org.ebflow.flow.layer.Mlp;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class FlowTest {
  private static final double ROUNDING = 1e-12;
  private static final double DIFFERENCE = 1e-8;
  private static final Blas BLAS = Blas.named("openblas");

  static Stream<Flow> flows() {
    return Stream.of(
            new FullyConnectedConfig(2, .3, false).build(4, Precision.FLOAT64, 1),
            new FullyConnectedConfig(3, .3, true).build(4, Precision.FLOAT64, 1),
            new SplineConfig(3, 5, 2, MonotoneSpline.Tails.FROZEN).build(4, Precision.FLOAT64, 1),
            new SplineConfig(2, 1, 2, MonotoneSpline.Tails.FREE).build(4, Precision.FLOAT64, 1),
            new CouplingConfig(2, 5, 2, Activation.Kind.ELU).build(3, Precision.FLOAT64, 2),
            // Swish: the differences of a fixed step would meet a kink of this ELU network
            new CouplingConfig(2, 5, 2, Activation.Kind.SWISH, true).build(3, Precision.FLOAT64, 2),
            Flow.of(3)
                .precision(Precision.FLOAT64)
                .dense()
                .elementwise(new Sinh())
                .actNorm()
                .build(),
            Flow.of(3) // weights before the logit: cotangents go through it
                .precision(Precision.FLOAT64)
                .actNorm()
                .layer(FixedAffine.uniform(3, .1, .5))
                .layer(new Logit(.7))
                .dense()
                .build(),
            new FullyConnectedConfig(2, .3, false)
                .build(3, Precision.FLOAT64, 1)
                .after(List.of(FixedAffine.uniform(3, .1, .5), new Logit(.7))),
            multiScale(),
            couplings())
        .map(FlowTest::perturbed);
  }

  /** Couplings of every transform, one of them by a user's own map. */
  private static Flow couplings() {
    Shape image = new Shape(2, 2, 1);
    Mlp.Settings settings = new Mlp.Settings(5, 2, Activation.Kind.SWISH);
    return Flow.of(image)
        .precision(Precision.FLOAT64)
        .layer(
            new Coupling(
                CouplingSplit.channels(image, 1),
                AffineTransform.bounded(2),
                List.of(new Mlp(2, 4, settings))))
        .dense()
        .layer(
            new Coupling(
                CouplingSplit.columns(4, 3, 1),
                AffineTransform.published(),
                List.of(new Mlp(2, 2, settings), new Affine(2, 2))))
        .dense()
        .layer(
            new Coupling(
                CouplingSplit.mask(1, 0, 1, 1),
                new AdditiveTransform(),
                List.of(new Composition(List.of(new ProductsOfPairs(4), new Affine(2, 4))))))
        .dense()
        .build();
  }

  /**
   * A grey 4×4 image: squeeze, split off half of the channels with a prior that depends on the
   * others, and go on with those alone.
   */
  private static Flow multiScale() {
    Shape image = new Shape(1, 4, 4);
    Shape squeezed = new Shape(4, 2, 2);
    Shape kept = new Shape(2, 2, 2);
    double[] mask = new double[image.size()];
    Arrays.fill(mask, 0, kept.size(), 1);
    Layer inner =
        new Sequence(
            kept.size(),
            List.of(
                new Dense(kept.size()),
                new SmoothLeakyRelu(.3, false),
                ColumnPermutation.squeeze(kept),
                new ActNorm(kept.size()),
                new SmoothLeakyRelu(.5, true)));
    return Flow.of(image)
        .precision(Precision.FLOAT64)
        .seed(3)
        .layer(ColumnPermutation.squeeze(image))
        .dense()
        .smoothLeakyRelu(.3)
        .layer(ColumnPermutation.splitChannels(squeezed, kept.channels()))
        .layer(new MaskedAffineCoupling(mask, 5, 1, Activation.Kind.SWISH))
        .layer(new ColumnRange(image.size(), 0, kept, inner))
        .build();
  }

  @Test
  void shapesAreKnownAtEveryBoundary() {
    Shape plain = Shape.plain(16);
    assertThat(multiScale().shapes())
        .containsExactly(
            new Shape(1, 4, 4),
            new Shape(4, 2, 2),
            new Shape(4, 2, 2),
            new Shape(4, 2, 2),
            plain,
            plain,
            plain);
    assertThatThrownBy(
            () -> Flow.of(new Shape(2, 2, 4)).layer(ColumnPermutation.squeeze(new Shape(1, 4, 4))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rows are 2x2x4, expected 1x4x4");
  }

  /** From a file they would be made again by the shape that is there, as other layers. */
  @Test
  void aLayerOfTheChannelsOfAnImageRefusesRowsOfAnotherShape() {
    Shape pixel = Shape.plain(8);
    Shape image = new Shape(2, 2, 2);
    CouplingSplit channels = CouplingSplit.channels(image, 1);
    List<Layer> ofImages =
        List.of(
            ColumnPermutation.squeeze(image),
            ColumnPermutation.splitChannels(image, 1),
            new Coupling(channels, new AdditiveTransform(), List.of(new Affine(4, 4))));
    for (Layer layer : ofImages) {
      assertThat(Flow.of(image).layer(layer).shape().size()).isEqualTo(8);
      for (Shape other : List.of(pixel, new Shape(1, 2, 4), new Shape(4, 2, 1))) {
        assertThatThrownBy(() -> Flow.of(other).layer(layer))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("rows are " + other + ", expected 2x2x2");
      }
    }
    Layer ofPixels = ColumnPermutation.splitChannels(pixel, 4);
    assertThatThrownBy(() -> Flow.of(image).layer(ofPixels))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rows are 2x2x2, expected 8");
    assertThat(Flow.of(image).layer(ColumnPermutation.of(7, 6, 5, 4, 3, 2, 1, 0)).shape())
        .isEqualTo(pixel);
  }

  @Test
  void weightsHaveTheNamesOfTheirPlacesInTheFlowThatIsAsked() {
    Flow flow = Flow.of(3).dense().smoothLeakyRelu(.3).dense().build();
    Flow after = flow.after(List.of(FixedAffine.uniform(3, 2, 1), FixedAffine.uniform(3, 1, 0)));
    assertThat(after.weights()).containsOnlyKeys("2.weight", "2.bias", "4.weight", "4.bias");
    assertThat(after.weights().get("4.weight"))
        .isSameAs(flow.parameters().byName().get("2.weight"));
    assertThat(flow.part(2, 3).weights()).containsOnlyKeys("0.weight", "0.bias");
    Dense twice = new Dense(3);
    Flow shared = Flow.of(3).layer(twice).smoothLeakyRelu(.3).layer(twice).build();
    assertThat(shared.weights()).containsOnlyKeys("0.weight", "0.bias");
  }

  @Test
  void partsOfNestedLayersHaveTheNamesOfTheirPlaces() {
    assertThat(multiScale().parameters().names())
        .startsWith("1.weight", "1.bias", "4.scale.0.weight")
        .endsWith("5.0.weight", "5.0.bias", "5.3.translation", "5.3.log_scale");
    assertThat(multiScale().constantParts()).hasSize(6);
  }

  private static Flow perturbed(Flow flow) {
    Matrix weights = flow.parameters().flat();
    Matrix noise = LayerRun.random(weights.columns(), 1, 110);
    for (int c = 0; c < weights.columns(); c++) {
      weights.set(0, c, weights.get(0, c) + .1 * noise.get(0, c));
    }
    flow.parameters().changed();
    return flow;
  }

  private static Matrix rows(Flow flow) {
    return LayerRun.random(flow.dimension(), 6, 111);
  }

  @ParameterizedTest
  @MethodSource("flows")
  void scoreMatchesDifferencesOfLogProb(Flow flow) {
    Matrix x = rows(flow);
    Matrix score = flow.score(x, BLAS);
    for (int r = 0; r < x.rows(); r++) {
      int row = r;
      for (int c = 0; c < flow.dimension(); c++) {
        double expected = Differences.in(x, r, c, () -> flow.logProb(x, BLAS)[row]);
        assertThat(score.get(r, c))
            .isCloseTo(expected, within(DIFFERENCE * Math.max(1, Math.abs(expected))));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("flows")
  void inverseUndoesForward(Flow flow) {
    Matrix x = rows(flow);
    assertClose(flat(flow.inverse(flow.forward(x, BLAS), BLAS)), flat(x), 1e-11);
  }

  @ParameterizedTest
  @MethodSource("flows")
  void logProbIsTheDensityOfTheLatentTimesAllJacobians(Flow flow) {
    Matrix x = rows(flow);
    double[] expected = new double[x.rows()];
    Matrix y = x;
    for (int i = 0; i < flow.layers().size(); i++) {
      Layer layer = flow.layers().get(i);
      try (LayerRun run =
          new LayerRun(layer, flow.parameters(), Precision.FLOAT64, y, x.rows(), "openblas", 1)) {
        double[] logDet = run.forward().logDet().toRows()[0];
        double constant =
            layer.constantParts().stream()
                .mapToDouble(part -> part.logAbsDeterminant(run.parameters, BLAS))
                .sum();
        for (int r = 0; r < expected.length; r++) {
          expected[r] += logDet[r] + constant;
        }
        y = run.y;
      }
    }
    assertClose(flat(flow.forward(x, BLAS)), flat(y), 0);
    for (int r = 0; r < expected.length; r++) {
      for (double z : y.toRows()[r]) {
        expected[r] -= .5 * z * z + .5 * Math.log(2 * Math.PI);
      }
    }
    assertClose(flow.logProb(x, BLAS), expected, ROUNDING);
  }

  @ParameterizedTest
  @MethodSource("flows")
  void javaAndOpenBlasAgree(Flow flow) {
    Matrix x = rows(flow);
    assertClose(flow.logProb(x, Blas.named("java")), flow.logProb(x, BLAS), ROUNDING);
    assertClose(flat(flow.score(x, Blas.named("java"))), flat(flow.score(x, BLAS)), ROUNDING);
  }

  @Test
  void logZIsCachedUntilTheWeightsChange() {
    Dense dense = new Dense(3);
    Flow flow = Flow.of(3).precision(Precision.FLOAT64).layer(dense).build();
    assertThat(flow.logZ(BLAS)).isZero();
    flow.parameters().of(dense.weight()).set(1, 1, -4);
    assertThat(flow.logZ(BLAS)).isZero();
    flow.parameters().changed();
    assertThat(flow.logZ(BLAS)).isCloseTo(-Math.log(4), within(ROUNDING));
    assertThat(flow.logProb(rows(flow), BLAS))
        .isEqualTo(
            Arrays.stream(flow.unnormalisedLogDensity(rows(flow), BLAS))
                .map(value -> value + Math.log(4))
                .toArray());
  }

  @Test
  void aLinearFlowIsTheGaussianOfItsWeights() {
    // y = W x + b standard normal: x is normal with mean -W⁻¹b and precision WᵀW
    Flow flow = Flow.of(2).precision(Precision.FLOAT64).dense().build();
    flow.parameters()
        .byName()
        .get("0.weight")
        .copyFrom(Matrix.ofRows(Precision.FLOAT64, new double[][] {{2, 1}, {0, -.5}}));
    flow.parameters()
        .byName()
        .get("0.bias")
        .copyFrom(Matrix.ofRows(Precision.FLOAT64, new double[][] {{1, -2}}));
    flow.parameters().changed();
    Matrix x = Matrix.ofRows(Precision.FLOAT64, new double[][] {{0.3, -.7}});
    double first = 2 * .3 - .7 + 1;
    double second = .5 * .7 - 2;
    double expected = -.5 * (first * first + second * second) - Math.log(2 * Math.PI) + Math.log(1);
    assertThat(flow.logProb(x, BLAS)[0]).isCloseTo(expected, within(ROUNDING));
    assertClose(
        flat(flow.score(x, BLAS)), new double[] {-2 * first, -first + .5 * second}, ROUNDING);
  }

  @Test
  void affinePrefixCountsLeadingLayersWithConstantJacobian() {
    assertThat(Flow.of(2).dense().actNorm().smoothLeakyRelu(.3).dense().build().affinePrefix())
        .isEqualTo(2);
    assertThat(Flow.of(2).smoothLeakyRelu(.3).dense().build().affinePrefix()).isZero();
    assertThat(Flow.of(2).dense().build().affinePrefix()).isEqualTo(1);
  }

  @Test
  void withParametersReadsTheOtherWeights() {
    Flow flow = flows().findFirst().orElseThrow();
    Flow start =
        flow.withParameters(
            Parameters.initial(flow.sequence().parametersByName(), Precision.FLOAT64, 1));
    Matrix x = rows(flow);
    double[] before = flow.logProb(x, BLAS);
    assertThat(start.logProb(x, BLAS)).isNotEqualTo(before);
    start.parameters().copyFrom(flow.parameters());
    assertThat(start.logProb(x, BLAS)).isEqualTo(before);
    assertThat(start.logZ(BLAS)).isEqualTo(flow.logZ(BLAS));
  }

  @Test
  void initializeNormalisesEveryColumnAfterActNorm() {
    Flow flow =
        Flow.of(3)
            .precision(Precision.FLOAT64)
            .actNorm()
            .smoothLeakyRelu(.3)
            .dense()
            .actNorm()
            .build();
    Matrix x = LayerRun.random(3, 50, 112);
    for (int r = 0; r < 50; r++) {
      x.set(r, 0, 5 + 3 * x.get(r, 0));
      x.set(r, 2, -1 + .2 * x.get(r, 2));
    }
    double before = flow.logZ(BLAS);
    flow.initialize(x, BLAS);
    assertThat(flow.parameters().initializedByData()).isTrue();
    assertThat(flow.logZ(BLAS)).isNotEqualTo(before);
    assertNormalised(flow.forward(x, BLAS));
    assertNormalised(flow.part(0, 1).forward(x, BLAS));
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void actNormLeavesTheScaleOfColumnsThatAreConstantButForRounding(Precision precision) {
    Matrix x = LayerRun.random(4, 30, 114).copy(precision);
    double unit = precision == Precision.FLOAT32 ? 0x1p-23 : 0x1p-52;
    for (int r = 0; r < x.rows(); r++) {
      x.set(r, 0, 0.1); // its mean is not exactly 0.1
      x.set(r, 1, 0);
      x.set(r, 2, 1e6 * (r % 2 == 0 ? 1 : 1 + unit));
    }
    Flow flow = Flow.of(4).precision(precision).actNorm().build();
    flow.initialize(x, BLAS);
    Matrix scale = flow.parameters().byName().get("0.log_scale");
    Matrix mean = flow.parameters().byName().get("0.translation");
    double[] expected = {x.get(0, 0), 0, 1e6};
    for (int c = 0; c < 3; c++) {
      assertThat(scale.get(0, c)).as("column %d", c).isZero();
      assertThat(mean.get(0, c)).isCloseTo(expected[c], within(4 * unit * expected[c]));
    }
    double[] varying = Arrays.stream(x.toRows()).mapToDouble(row -> row[3]).toArray();
    double average = Arrays.stream(varying).average().orElseThrow();
    double squares = Arrays.stream(varying).map(v -> (v - average) * (v - average)).sum();
    assertThat(scale.get(0, 3)).isCloseTo(Math.log(Math.sqrt(squares / 29)), within(1e-6));
  }

  @Test
  void actNormOfOneRowIsAShift() {
    Flow flow = Flow.of(2).precision(Precision.FLOAT64).actNorm().build();
    Matrix row = Matrix.ofRows(Precision.FLOAT64, new double[][] {{3, -1e-30}});
    flow.initialize(row, BLAS);
    assertThat(flow.parameters().byName().get("0.log_scale").toRows()[0]).containsOnly(0);
    assertThat(flow.forward(row, BLAS).toRows()[0]).containsOnly(0);
  }

  private static void assertNormalised(Matrix y) {
    for (int c = 0; c < y.columns(); c++) {
      int column = c;
      double[] values = Arrays.stream(y.toRows()).mapToDouble(row -> row[column]).toArray();
      double mean = Arrays.stream(values).average().orElseThrow();
      double squares = Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum();
      assertThat(mean).isCloseTo(0, within(ROUNDING));
      // 1e-8 is added to the deviation
      assertThat(Math.sqrt(squares / (values.length - 1))).isCloseTo(1, within(1e-7));
    }
  }

  @Test
  void noRowsGiveNoNumbers() {
    Flow flow = flows().findFirst().orElseThrow();
    Matrix none = Matrix.allocate(Precision.FLOAT64, 0, flow.dimension());
    assertThat(flow.logProb(none, BLAS)).isEmpty();
    assertThat(flow.score(none, BLAS).rows()).isZero();
  }

  @Test
  void wrongShapesAreRefused() {
    Flow flow = flows().findFirst().orElseThrow();
    assertThatThrownBy(() -> flow.logProb(Matrix.allocate(Precision.FLOAT64, 2, 5), BLAS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("[2,5]", "[*,4]");
    for (Layer layer : List.of(new Dense(3), new ActNorm(3), FixedAffine.uniform(3, 1, 0))) {
      assertThatThrownBy(() -> Flow.of(4).layer(layer))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContainingAll(layer.toString(), "4");
    }
    assertThatThrownBy(() -> flow.after(List.of(FixedAffine.uniform(3, 1, 0))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> flow.after(List.of(new Dense(4))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Flow.of(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Flow.of(2).build()).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new SmoothLeakyRelu(0, false))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Logit(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
  }
}
