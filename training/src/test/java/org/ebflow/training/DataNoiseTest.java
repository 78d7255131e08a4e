package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.RunningMoments;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.AnnealedNoise;
import org.ebflow.training.objective.BatchShare;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.FiniteDifferenceScoreMatching;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.SampledMaximumLikelihood;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.preprocessing.Preprocessing;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Noise on preprocessed rows, whether or not preprocessing is part of the model. */
class DataNoiseTest {
  private static final int ROWS = 500;
  private static final int COLUMNS = 4;
  private static final int STEPS = 5;
  private static final double NOISE = .25;

  /** Standard error of a deviation found from ROWS·STEPS numbers is 1.4 per cent. */
  private static final double SAMPLING = .05;

  private static final Blas BLAS = Blas.named("java");

  @TempDir Path folder;

  /** Rows that five steps see, on two workers. */
  private static double[][] seen(
      Dataset data, Preprocessing preprocessing, Precision precision, boolean map, double noise) {
    return seen(data, preprocessing, precision, map, AnnealedNoise.constant(noise), STEPS);
  }

  private static double[][] seen(
      Dataset data,
      Preprocessing preprocessing,
      Precision precision,
      boolean map,
      AnnealedNoise noise,
      long runSteps) {
    TrainingSettings settings =
        TrainingSettings.builder()
            .epochs(0)
            .steps(runSteps)
            .dataNoise(noise)
            .matchAfterPreprocessing(map)
            .seed(3)
            .threads(2)
            .build();
    int[] order = IntStream.range(0, ROWS).toArray();
    Matrix batch = Matrix.allocate(precision, ROWS, COLUMNS);
    double[][] rows = new double[STEPS * ROWS][];
    try (Team team = new Team(2)) {
      BatchReader[] readers =
          BatchReader.forTeam(
              data, preprocessing, settings, precision, BLAS, team, BatchShare.whole(ROWS));
      for (int step = 0; step < STEPS; step++) {
        for (int rank = 0; rank < 2; rank++) {
          readers[rank].read(
              order, 0, step, batch.rows(team.worker(rank).from(ROWS), team.worker(rank).to(ROWS)));
        }
        System.arraycopy(batch.toRows(), 0, rows, step * ROWS, ROWS);
      }
    }
    return rows;
  }

  private static double[] deviations(double[][] rows) {
    RunningMoments moments = new RunningMoments(COLUMNS);
    Arrays.stream(rows).forEach(moments::add);
    return moments.sampleDeviations();
  }

  @ParameterizedTest
  @CsvSource({"FLOAT32, true", "FLOAT32, false", "FLOAT64, true", "FLOAT64, false"})
  void aStepSeesRowsWithNoiseOfThatDeviation(Precision precision, boolean map) {
    double[][] same = new double[ROWS][COLUMNS];
    Arrays.stream(same).forEach(row -> Arrays.fill(row, 100));
    // (100 - 90)·s with s = 2: noise of the model's input is that over s where it has the layer
    Preprocessing preprocessing =
        new Preprocessing(0, List.of(FixedAffine.uniform(COLUMNS, 2, -180)));
    double[][] rows = seen(Dataset.of(same), preprocessing, precision, map, NOISE);
    RunningMoments moments = new RunningMoments(COLUMNS);
    Arrays.stream(rows).forEach(moments::add);
    double expected = map ? NOISE : NOISE / 2;
    for (int c = 0; c < COLUMNS; c++) {
      assertThat(moments.means()[c]).isCloseTo(map ? 20 : 100, within(.1 * expected));
      assertThat(moments.sampleDeviations()[c]).isCloseTo(expected, within(SAMPLING * expected));
    }
  }

  @ParameterizedTest
  @CsvSource({"FLOAT32, true, 4, 1000", "FLOAT64, false, 4, 1000", "FLOAT64, true, 4000, 4"})
  void annealedNoiseIsThatOfTheStep(
      Precision precision, boolean map, long annealSteps, long runSteps) {
    double[][] same = new double[ROWS][COLUMNS];
    Arrays.stream(same).forEach(row -> Arrays.fill(row, 100));
    AnnealedNoise noise = new AnnealedNoise(NOISE, 16 * NOISE, annealSteps);
    double[][] rows = seen(Dataset.of(same), Preprocessing.none(), precision, map, noise, runSteps);
    for (int step = 0; step < STEPS; step++) {
      RunningMoments moments = new RunningMoments(1);
      for (int r = step * ROWS; r < (step + 1) * ROWS; r++) {
        for (double value : rows[r]) {
          moments.add(new double[] {value});
        }
      }
      double expected = NOISE * Math.pow(2, 4 - step);
      assertThat(moments.sampleDeviations()[0]).isCloseTo(expected, within(SAMPLING * expected));
    }
  }

  @ParameterizedTest
  @CsvSource({"FLOAT32, true", "FLOAT32, false", "FLOAT64, true", "FLOAT64, false"})
  void pixelsGetTheNoiseBehindTheirLogit(Precision precision, boolean map) {
    byte[] pixels = new byte[ROWS * COLUMNS];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (20 + i % 200);
    }
    Dataset data = Dataset.ofPixels("pixels", pixels, COLUMNS, null, 256);
    Preprocessing logit = Preprocessing.logit(COLUMNS, 256, .5);
    double[][] with = seen(data, logit, precision, map, NOISE);
    double[][] without = seen(data, logit, precision, map, 0);
    if (!map) { // the model's first layers
      Flow layers = logit.flow(COLUMNS, Precision.FLOAT64);
      assertThat(layers).isNotNull();
      with = layers.forward(Matrix.ofRows(Precision.FLOAT64, with), BLAS).toRows();
      without = layers.forward(Matrix.ofRows(Precision.FLOAT64, without), BLAS).toRows();
    }
    double[][] noise = new double[with.length][COLUMNS];
    for (int r = 0; r < noise.length; r++) {
      for (int c = 0; c < COLUMNS; c++) {
        noise[r][c] = with[r][c] - without[r][c];
      }
    }
    for (double deviation : deviations(noise)) {
      assertThat(deviation).isCloseTo(NOISE, within(SAMPLING * NOISE));
    }
  }

  static Stream<Arguments> objectives() {
    LossScale scale = LossScale.PER_DIMENSION;
    return Stream.of(
            Arguments.of(new MaximumLikelihood(), 0),
            Arguments.of(new SampledMaximumLikelihood(scale), 0),
            Arguments.of(new SlicedScoreMatching(), 0),
            Arguments.of(new DenoisingScoreMatching(.3, 0, scale), .3),
            Arguments.of(new FiniteDifferenceScoreMatching(.1, 0, scale), 0))
        .flatMap(
            each ->
                Stream.of(true, false).map(map -> Arguments.of(each.get()[0], each.get()[1], map)));
  }

  /** Rows that are all alike have no other variance than the noise's, which W = 1/deviation. */
  @ParameterizedTest
  @MethodSource("objectives")
  void everyLossFitsTheRowsWithTheirNoise(Objective objective, double ownNoise, boolean map) {
    double[][] same = new double[200][1];
    Dataset data = Dataset.of(same);
    Flow flow = Flow.of(1).dense().precision(Precision.FLOAT64).build();
    Trainer.of(flow, objective)
        .preprocessing(train -> new Preprocessing(0, List.of(FixedAffine.uniform(1, 2, 1))))
        .optimizer(new Adam(2e-2))
        .schedule(RateSchedule.COSINE)
        .epochs(2000)
        .evaluateEvery(2000)
        .batchSize(200)
        .dataNoise(NOISE)
        .matchAfterPreprocessing(map)
        .seed(1)
        .threads(1)
        .fit(new Splits(data, data, data), folder.resolve("run"));
    // dsm's own noise is that of the model's input: half as much behind the layer inside of it
    double own = map ? ownNoise : 2 * ownNoise;
    double expected = 1 / Math.hypot(NOISE, own);
    assertThat(Math.abs(flow.parameters().byName().get("0.weight").get(0, 0)))
        .isCloseTo(expected, within(.05 * expected));
  }
}
