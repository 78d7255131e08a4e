package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.MemoryNeed;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.flow.layer.BlockDiagonal;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.ElementwiseLayer;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.training.objective.Sinh;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class TrainedFlowTest {
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Precision.class)
  void aSavedModelScoresWithTheSameBits(Precision precision) {
    TrainedFlow model = TrainedFlows.table(precision);
    Path file = folder.resolve("model.safetensors");
    model.save(file, Blas.auto());
    TrainedFlow loaded = TrainedFlow.load(file);
    assertThat(loaded.logProb(TrainedFlows.rows(100)))
        .isEqualTo(model.logProb(TrainedFlows.rows(100)));
    assertThat(loaded.logZ(Blas.auto())).isEqualTo(model.logZ(Blas.auto()));
    assertThat(loaded.flow().precision()).isEqualTo(precision);
    assertThat(loaded.data().columns()).containsExactly("a", "b", "c");
    assertThat(loaded.seed()).isEqualTo(7);
  }

  /** The frozen tails, which no optimizer touches, are tensors of the file like the others. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void aSavedModelWithSplinesScoresWithTheSameBits(Precision precision) {
    TrainedFlow model =
        TrainedFlows.table(
            new SplineConfig(3, 5, 2.5, MonotoneSpline.Tails.FROZEN).build(3, precision, 1),
            new double[0]);
    Path file = folder.resolve("model.safetensors");
    model.save(file, Blas.auto());
    TrainedFlow loaded = TrainedFlow.load(file);
    double[] logProb = loaded.logProb(TrainedFlows.rows(100));
    assertThat(logProb).isEqualTo(model.logProb(TrainedFlows.rows(100)));
    loaded.flow().parameters().byName().get("1.right_tail").fill(1);
    loaded.flow().parameters().changed();
    assertThat(loaded.logProb(TrainedFlows.rows(100))).isNotEqualTo(logProb);
  }

  static Stream<Flow> imageFlows() {
    Shape image = new Shape(1, 2, 2);
    return Stream.of(
        Flow.of(4).dense().smoothLeakyRelu(0.3).dense().build(),
        Flow.of(image)
            .layer(BlockDiagonal.lattices(image, 1, 2))
            .layer(new MonotoneSpline(4, 5, 3, MonotoneSpline.Tails.FROZEN))
            .layer(BlockDiagonal.tiles(image, 2, 1, 1))
            .build());
  }

  @ParameterizedTest
  @MethodSource("imageFlows")
  void aSavedImageModelKeepsShapeLevelsAndBits(Flow flow) {
    TrainedFlow model = TrainedFlows.images(flow);
    Path file = folder.resolve("model.safetensors");
    model.save(file, Blas.auto());
    TrainedFlow loaded = TrainedFlow.load(file);
    assertThat(loaded.data().imageShape()).isEqualTo(new Shape(1, 2, 2));
    assertThat(loaded.preprocessing().levels()).isEqualTo(16);
    assertThat(loaded.logProb(TrainedFlows.pictures(50)))
        .isEqualTo(model.logProb(TrainedFlows.pictures(50)));
  }

  @Test
  void aModelWithALayerOfOnesOwnIsLoadedIntoItsFlow() {
    TrainedFlow model =
        TrainedFlows.table(
            Flow.of(3).dense().elementwise(new Sinh()).dense().build(), new double[0]);
    Path file = folder.resolve("model.safetensors");
    model.save(file, Blas.auto());
    TrainedFlow loaded =
        TrainedFlow.load(file, Flow.of(3).dense().elementwise(new Sinh()).dense().build());
    assertThat(loaded.logProb(TrainedFlows.rows(20)))
        .isEqualTo(model.logProb(TrainedFlows.rows(20)));
    assertThatThrownBy(() -> TrainedFlow.load(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void aModelIsNotLoadedIntoAnotherFlow() {
    Path file = folder.resolve("model.safetensors");
    TrainedFlows.table(Flow.of(3).dense().smoothLeakyRelu(.3).dense().build(), new double[0])
        .save(file, Blas.auto());
    assertRefused(
        file,
        Flow.of(3).dense().smoothLeakyRelu(.1).dense().build(),
        "layer 1 to be {\"type\":\"smooth_leaky_relu\",\"alpha\":0.1");
    assertRefused(file, Flow.of(3).dense().smoothLeakyRelu(.3).build(), "2 layers, found 3");
    assertRefused(
        file,
        Flow.of(3).dense().elementwise(new Sinh()).elementwise(new Sinh()).build(),
        "weights");
    assertRefused(file, Flow.of(4).dense().smoothLeakyRelu(.3).dense().build(), "weights");
  }

  @Test
  void aLayerOfOnesOwnMayLieInAnother() {
    Path file = folder.resolve("model.safetensors");
    TrainedFlow model = TrainedFlows.table(withinASequence("one"), new double[0]);
    model.save(file, Blas.auto());
    assertThat(TrainedFlow.load(file, withinASequence("other")).logProb(TrainedFlows.rows(20)))
        .isEqualTo(model.logProb(TrainedFlows.rows(20)));
  }

  private static Flow withinASequence(String name) {
    return Flow.of(3)
        .layer(new Sequence(3, List.of(new Dense(3), new ElementwiseLayer(new Sinh(name)))))
        .dense()
        .build();
  }

  private static void assertRefused(Path file, Flow flow, String expected) {
    assertThatThrownBy(() -> TrainedFlow.load(file, flow))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining("expected")
        .hasMessageContaining(expected);
  }

  @Test
  void aFileThatIsNoModelIsRefused() throws IOException {
    Path file = folder.resolve("model.safetensors");
    Files.writeString(file, "no model");
    assertThatThrownBy(() -> TrainedFlow.load(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(file.toString());
    assertThatThrownBy(() -> TrainedFlow.load(folder.resolve("missing")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("missing");
  }

  @Test
  void samplesAreAFunctionOfTheSeedAndDoNotDependOnTheirNumber() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT32);
    Matrix samples = model.sample(600, 1, Blas.auto());
    assertThat(samples.rows()).isEqualTo(600);
    assertThat(samples.columns()).isEqualTo(3);
    assertThat(samples.precision()).isEqualTo(Precision.FLOAT64);
    assertThat(model.sample(600, 1, Blas.auto()).doubles()).isEqualTo(samples.doubles());
    assertThat(model.sample(600, 2, Blas.auto()).doubles()).isNotEqualTo(samples.doubles());
    assertThat(model.sample(512, 1, Blas.auto()).doubles())
        .isEqualTo(Arrays.copyOf(samples.doubles(), 512 * 3));
  }

  /** Of a model so wide that 256 rows are drawn in two blocks. */
  @Test
  void samplesOfAWideModelAreThoseOfOneBlock() {
    int dimension = 3000;
    Flow.Builder builder = Flow.of(dimension);
    for (int i = 0; i < 45; i++) {
      builder.actNorm();
    }
    TrainedFlow model = TrainedFlows.table(builder.build(), new double[0]);
    assertThat(Scorer.rowsOfBlocks(MemoryNeed.numbers(model.flow().layers(), dimension)))
        .isEqualTo(248);

    Matrix latents = Matrix.allocate(Precision.FLOAT32, 256, dimension);
    new Noise(1).gaussian(NoisePurpose.SAMPLING, 0, 0, latents);
    Flow before = Objects.requireNonNull(model.preprocessing().flow(dimension, Precision.FLOAT32));
    Matrix expected =
        before.inverse(
            model.flow().inverse(latents, Blas.auto()).copy(before.precision()), Blas.auto());
    assertThat(model.sample(256, 1, Blas.auto()).doubles())
        .isEqualTo(expected.copy(Precision.FLOAT64).doubles());
  }

  @Test
  void samplesMapToTheirLatents() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT64);
    Matrix samples = model.sample(20_000, 4, Blas.auto());
    Flow before = Objects.requireNonNull(model.preprocessing().flow(3, Precision.FLOAT64));
    Matrix latents = model.flow().forward(before.forward(samples, Blas.auto()), Blas.auto());
    double sum = 0;
    double squares = 0;
    for (double z : latents.doubles()) {
      sum += z;
      squares += z * z;
    }
    int count = latents.size();
    assertThat(sum / count).isCloseTo(0, within(4 / Math.sqrt(count)));
    assertThat(squares / count).isCloseTo(1, within(4 * Math.sqrt(2.0 / count)));
  }

  @Test
  void sampledPixelsAreLevels() {
    for (double value : TrainedFlows.images().sample(100, 1, Blas.auto()).doubles()) {
      assertThat(value).isBetween(0.0, 15.0).isEqualTo(Math.rint(value));
    }
  }

  @Test
  void percentileInterpolatesTheTrainingRows() {
    TrainedFlow model =
        TrainedFlows.table(Flow.of(3).dense().build(), new double[] {-10, -5, -4, -3, 0});
    assertThat(model.percentile(-11)).isZero();
    assertThat(model.percentile(-10)).isZero();
    assertThat(model.percentile(-7.5)).isEqualTo(12.5);
    assertThat(model.percentile(-4)).isEqualTo(50);
    assertThat(model.percentile(-1.5)).isEqualTo(87.5);
    assertThat(model.percentile(3)).isEqualTo(100);
    assertThat(model.percentile(Double.NaN)).isNaN();
    assertThat(model.percentile(Double.NEGATIVE_INFINITY)).isZero();
  }

  @Test
  void percentileIsUnknownWhereItWasNotMeasured() {
    assertThat(TrainedFlows.table(Precision.FLOAT32).percentile(-3)).isNaN();
  }

  @Test
  void thePercentilesOfEqualQuantilesAreDefined() {
    TrainedFlow model =
        TrainedFlows.table(Flow.of(3).dense().build(), new double[] {-5, -2, -2, -2, 0});
    assertThat(List.of(model.percentile(-2), model.percentile(-1)))
        .allMatch(p -> p >= 25 && p <= 100);
    assertThat(model.percentile(-3.5)).isEqualTo(12.5);
  }

  @Test
  void aSavedModelKeepsItsPercentiles() {
    TrainedFlow model = TrainedFlows.table(Flow.of(3).dense().build(), new double[0]);
    double[] logProb = {-3, -2, -2, -2, -1, Double.NEGATIVE_INFINITY, -7.25, 0.125};
    TrainedFlow measured =
        new TrainedFlow(
            model.flow(),
            model.preprocessing(),
            new TrainedFlow.DataDescription(
                "table", List.of("a", "b", "c"), null, EmpiricalDistribution.of(logProb), null),
            7);
    Path file = folder.resolve("model.safetensors");
    measured.save(file, Blas.auto());
    TrainedFlow loaded = TrainedFlow.load(file);
    for (double value : new double[] {-100, -7.25, -5, -3, -2, -1.5, -1, 0, 0.125, 1}) {
      assertThat(loaded.percentile(value)).isEqualTo(measured.percentile(value));
    }
    assertThat(loaded.percentile(-2)).isEqualTo(100.0 * 3 / 8);
  }

  /** The quantiles that version 0.1 wrote before it counted ties: an array in the description. */
  @Test
  void aModelWithEvenlySpacedQuantilesIsStillRead() {
    TrainedFlow model = TrainedFlows.table(Flow.of(3).dense().build(), new double[0]);
    Path file = folder.resolve("model.safetensors");
    model.save(file, Blas.auto());
    try (Safetensors saved = Safetensors.read(file)) {
      Map<String, Matrix> tensors = new LinkedHashMap<>();
      for (String name : saved.names()) {
        Matrix tensor =
            Matrix.allocate(saved.precision(name), saved.rows(name), saved.columns(name));
        saved.copyTo(name, tensor);
        tensors.put(name, tensor);
      }
      Map<String, String> metadata = new LinkedHashMap<>(saved.metadata());
      metadata.put(
          "data",
          "{\"name\":\"t.csv\",\"columns\":[\"a\",\"b\",\"c\"],\"imageShape\":null,"
              + "\"quantiles\":[-10.0,-5.0,-4.0,-4.0,0.0]}");
      Safetensors.write(file, tensors, metadata);
    }
    TrainedFlow loaded = TrainedFlow.load(file);
    assertThat(loaded.data().columns()).containsExactly("a", "b", "c");
    assertThat(loaded.logProb(TrainedFlows.rows(9))).isEqualTo(model.logProb(TrainedFlows.rows(9)));
    assertThat(loaded.percentile(-7.5)).isEqualTo(12.5);
    assertThat(loaded.percentile(-4)).isEqualTo(50);
    assertThat(loaded.percentile(-2)).isEqualTo(87.5);
    assertThat(loaded.percentile(-11)).isZero();
    assertThat(loaded.percentile(1)).isEqualTo(100);
  }
}
