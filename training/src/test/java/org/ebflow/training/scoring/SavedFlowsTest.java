package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.training.scoring.ScorerTest.BLOCK;
import static org.ebflow.training.scoring.ScorerTest.gaussianRows;
import static org.ebflow.training.scoring.ScorerTest.scorer;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.CouplingSplit;
import org.ebflow.flow.layer.CouplingTransform;
import org.ebflow.flow.layer.DifferentiableMap;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.flow.layer.Logit;
import org.ebflow.flow.layer.Mlp;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.objective.FlowsUnderTest;
import org.ebflow.training.preprocessing.Preprocessing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Flows of nested layers and of couplings: scored, written to one file, read again and scored. */
class SavedFlowsTest {
  /** The least width of which a square weight is large, so that bfloat16 rounds its products. */
  private static final int WIDE = 130;

  private static final int ROWS = BLOCK + 37;

  @TempDir Path folder;

  private static Map<String, Supplier<TrainedFlow>> models() {
    Map<String, Supplier<TrainedFlow>> models = new LinkedHashMap<>();
    // of 256 columns, of which 192 go on: large weights within and without
    Shape image = new Shape(1, 16, 16);
    models.put("multi-scale", () -> ScorerTest.model(multiScale(image)));
    models.put("multi-scale, colours", () -> ScorerTest.model(multiScale(new Shape(3, 4, 4))));
    models.put("multi-scale, logit outside", () -> logitOutside(multiScale(image)));
    models.put("multi-scale, logit inside", () -> logitInside(multiScale(image)));
    for (CouplingTransform transform :
        List.of(
            AffineTransform.published(), AffineTransform.bounded(1.5), new AdditiveTransform())) {
      for (Activation.Kind kind : Activation.Kind.values()) {
        for (int networks : new int[] {1, transform.parameterNames().size()}) {
          models.put(
              "%s by %d %s".formatted(transform.description(), networks, kind.fileName()),
              () -> ScorerTest.model(coupling(transform, kind, networks)));
        }
      }
    }
    return models;
  }

  private static Flow multiScale(Shape image) {
    return FlowsUnderTest.multiScale(image, Precision.FLOAT32);
  }

  /** Couplings by columns and by channels, with a product between them that bfloat16 rounds. */
  private static Flow coupling(CouplingTransform transform, Activation.Kind kind, int networks) {
    Shape image = new Shape(10, 1, WIDE / 10);
    return Flow.of(image)
        .layer(coupling(CouplingSplit.firstHalf(WIDE), transform, kind, networks))
        .dense()
        .layer(coupling(CouplingSplit.channels(image, 7), transform, kind, networks))
        .build();
  }

  private static Coupling coupling(
      CouplingSplit split, CouplingTransform transform, Activation.Kind kind, int networks) {
    int outputs = split.networkOutputs(transform.parameterNames().size() / networks);
    DifferentiableMap[] maps = new DifferentiableMap[networks];
    Arrays.setAll(
        maps,
        i ->
            new Mlp(
                split.networkShape().size(), outputs, new Mlp.Settings(9, 2, kind, i % 2 == 1)));
    return new Coupling(split, transform, List.of(maps));
  }

  /** Of rows in the logit's domain, which stays a part of the preprocessing. */
  private static TrainedFlow logitOutside(Flow flow) {
    TrainedFlow plain = ScorerTest.model(flow);
    return new TrainedFlow(
        flow,
        new Preprocessing(
            0, List.of(FixedAffine.uniform(flow.dimension(), .05, .5), new Logit(1.3))),
        new TrainedFlow.DataDescription(
            "pictures", List.of(), flow.shapes().getFirst(), EmpiricalDistribution.unknown(), null),
        plain.seed());
  }

  /** The same density, with the logit as a part of the model. */
  private static TrainedFlow logitInside(Flow flow) {
    TrainedFlow outside = logitOutside(flow);
    return new TrainedFlow(
        flow.after(outside.preprocessing().layers()),
        Preprocessing.none(),
        outside.data(),
        outside.seed());
  }

  static Stream<Arguments> modelsAndPrecisions() {
    return models().keySet().stream()
        .flatMap(name -> Stream.of("f32", "f64", "bf16").map(p -> Arguments.of(name, p)));
  }

  private static TrainedFlow model(String name) {
    return Objects.requireNonNull(models().get(name)).get();
  }

  private static double[] logProb(
      TrainedFlow model, String precision, int threads, double[][] rows) {
    try (Scorer scorer = scorer(model, precision, threads)) {
      return scorer.logProb(rows);
    }
  }

  @ParameterizedTest
  @MethodSource("modelsAndPrecisions")
  void logProbIsThatOfTheFlowInFloat64(String name, String precision) {
    TrainedFlow model = model(name);
    Flow exact = model.flow().copy(Precision.FLOAT64).after(model.preprocessing().layers());
    Matrix rows = Matrix.ofRows(Precision.FLOAT64, gaussianRows(70, exact.dimension()));
    double[] expected = exact.logProb(rows, Blas.named("java"));
    Matrix latents = exact.forward(rows, Blas.named("java"));
    double rounding =
        switch (precision) {
          case "f64" -> 1e-13;
          case "f32" -> 1e-6;
          default -> 1e-2;
        };
    try (Scorer scorer = scorer(model, precision, 2)) {
      Scores scores = scorer.score(rows);
      assertThat(scorer.logZ()).isEqualTo(model.flow().logZ(Blas.auto()));
      for (int r = 0; r < expected.length; r++) {
        double square = 0;
        for (int c = 0; c < exact.dimension(); c++) {
          square += latents.get(r, c) * latents.get(r, c);
        }
        double size = Math.abs(expected[r]) + square;
        assertThat(scores.logProb()[r])
            .as("row %d", r)
            .isCloseTo(expected[r], within(rounding * size));
        assertThat(scores.latentNorm()[r])
            .as("row %d", r)
            .isCloseTo(Math.sqrt(square), within(rounding * size));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("modelsAndPrecisions")
  void aRowsBitsDependNeitherOnBatchPlaceNorThreads(String name, String precision) {
    TrainedFlow model = model(name);
    double[][] rows = gaussianRows(ROWS, model.flow().dimension());
    double[][] backwards =
        IntStream.range(0, ROWS).mapToObj(r -> rows[ROWS - 1 - r]).toArray(double[][]::new);
    double[] expected = logProb(model, precision, 2, rows);
    assertThat(expected).doesNotHaveDuplicates();
    double[] reversed = logProb(model, precision, 3, backwards);
    try (Scorer scorer = scorer(model, precision, 1)) {
      assertThat(scorer.logProb(rows)).containsExactly(expected);
      for (int r = 0; r < ROWS; r++) {
        assertThat(reversed[ROWS - 1 - r]).as("row %d", r).isEqualTo(expected[r]);
      }
      for (int count : new int[] {1, 7, 64, 65}) {
        assertThat(scorer.logProb(Arrays.copyOfRange(rows, 3, 3 + count)))
            .containsExactly(Arrays.copyOfRange(expected, 3, 3 + count));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("modelsAndPrecisions")
  void aSavedModelHasTheSameShapesLayersAndBits(String name, String precision) {
    TrainedFlow model = precision.equals("f64") ? model(name).copy(Precision.FLOAT64) : model(name);
    Path file = folder.resolve("model.safetensors");
    model.save(file, Blas.auto());
    TrainedFlow loaded = TrainedFlow.load(file);
    Flow flow = model.flow();
    assertThat(loaded.flow().shapes()).isEqualTo(flow.shapes());
    assertThat(loaded.flow().shapes().getFirst()).isNotEqualTo(Shape.plain(flow.dimension()));
    assertThat(LayerTypes.describe(loaded.flow().layers()))
        .usingRecursiveComparison()
        .isEqualTo(LayerTypes.describe(flow.layers()));
    assertThat(loaded.data().imageShape()).isEqualTo(model.data().imageShape());
    assertThat(loaded.flow().precision()).isEqualTo(flow.precision());
    assertThat(loaded.flow().weights().keySet()).containsExactlyElementsOf(flow.weights().keySet());
    double[][] rows = gaussianRows(100, flow.dimension());
    assertThat(logProb(loaded, precision, 2, rows))
        .containsExactly(logProb(model, precision, 2, rows));
    assertThat(loaded.sample(5, 3, Blas.auto()).doubles())
        .containsExactly(model.sample(5, 3, Blas.auto()).doubles());
  }

  @Test
  void preprocessingOutsideAndInsideOfTheModelIsOneDensity() {
    double[][] rows = gaussianRows(50, 256);
    double[] outside = logProb(model("multi-scale, logit outside"), "f64", 2, rows);
    double[] inside = logProb(model("multi-scale, logit inside"), "f64", 2, rows);
    for (int r = 0; r < rows.length; r++) {
      assertThat(outside[r]).isCloseTo(inside[r], within(1e-12 * Math.abs(inside[r])));
    }
  }
}
