package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.Trainer;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.preprocessing.Standardize;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Percentiles of rows of trained models whose training rows have values in common. */
class PercentileTest {
  private static final int ROWS = 1000;

  @TempDir Path folder;

  /** So many rows of one value, spread among Gaussian ones. */
  private static double[][] rows(int equal, int dimension, double value) {
    Random random = new Random(9);
    double[][] rows = new double[ROWS][dimension];
    for (int r = 0; r < ROWS; r++) {
      boolean common = (long) (r + 1) * equal / ROWS > (long) r * equal / ROWS;
      for (int c = 0; c < dimension; c++) {
        rows[r][c] = common ? value : 3 + 2 * random.nextGaussian();
      }
    }
    return rows;
  }

  private static Flow flow(String model, int dimension, Precision precision) {
    return model.equals("coupling")
        ? new CouplingConfig(2, 16, 2, Activation.Kind.SWISH).build(dimension, precision, 1)
        : Flow.of(dimension).precision(precision).dense().smoothLeakyRelu(0.3).dense().build();
  }

  private TrainedFlow train(Flow flow, double[][] rows) {
    Dataset data = Dataset.of(rows);
    boolean coupling = flow.layers().size() > 3;
    return Trainer.of(flow, coupling ? new SlicedScoreMatching() : new MaximumLikelihood())
        .preprocessing(Standardize.byTrainingSet())
        .optimizer(new Adam(coupling ? 1e-3 : 1e-2))
        .epochs(4)
        .seed(2)
        .threads(2)
        .fit(new Splits(data, data, data), folder.resolve("run"));
  }

  private static Stream<Arguments> models() {
    return Stream.of("fc", "coupling")
        .flatMap(
            model ->
                Stream.of(Precision.values()).map(precision -> Arguments.of(model, precision)));
  }

  /** Percentiles as the scorer of that precision has them. */
  private static double[] percentiles(TrainedFlow model, double[][] rows, boolean bfloat16) {
    try (Scorer scorer =
        bfloat16
            ? Scorer.bfloat16(model, Blas.named("onednn"), 2)
            : new Scorer(model, Blas.auto(), 2)) {
      return Arrays.stream(scorer.logProb(rows)).map(scorer::percentile).toArray();
    }
  }

  private static double shareBelow(double[] all, double value) {
    return 100.0 * Arrays.stream(all).filter(other -> other < value).count() / all.length;
  }

  @ParameterizedTest
  @MethodSource("models")
  void mostRowsEqualAndLikeliest(String model, Precision precision) {
    double[][] rows = rows(900, 2, 0.5);
    TrainedFlow trained = train(flow(model, 2, precision), rows);
    for (Precision scored : Precision.values()) {
      double[] percentiles = percentiles(trained.copy(scored), rows, false);
      for (int r = 0; r < ROWS; r++) {
        if (rows[r][0] == 0.5) {
          assertThat(percentiles[r]).isEqualTo(10);
        } else {
          assertThat(percentiles[r]).isLessThan(10);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void someRowsEqualAndLeastLikely(String model, Precision precision) {
    double[][] rows = rows(200, 2, -40);
    TrainedFlow trained = train(flow(model, 2, precision), rows);
    for (Precision scored : Precision.values()) {
      double[] percentiles = percentiles(trained.copy(scored), rows, false);
      for (int r = 0; r < ROWS; r++) {
        if (rows[r][0] == -40) {
          assertThat(percentiles[r]).isZero();
        } else {
          assertThat(percentiles[r]).isGreaterThanOrEqualTo(19.9);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void discreteRowsHaveTheShareStrictlyBelow(Precision precision) {
    Random random = new Random(4);
    double[][] rows = new double[ROWS][2];
    for (double[] row : rows) {
      row[0] = random.nextInt(4);
      row[1] = random.nextInt(3) + row[0];
    }
    TrainedFlow trained = train(flow("fc", 2, precision), rows);
    double[] logProb = trained.logProb(rows);
    double[] same = percentiles(trained, rows, false);
    double[] other =
        percentiles(
            trained.copy(precision == Precision.FLOAT32 ? Precision.FLOAT64 : Precision.FLOAT32),
            rows,
            false);
    for (int r = 0; r < ROWS; r++) {
      assertThat(same[r]).isCloseTo(shareBelow(logProb, logProb[r]), within(1e-12));
      assertThat(other[r]).isEqualTo(same[r]);
    }
    assertThat(Arrays.stream(same).distinct().count()).isEqualTo(12);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void distinctRowsKeepTheirPlaceInEveryPrecision(Precision precision) {
    double[][] rows = rows(0, 3, 0);
    TrainedFlow trained = train(flow("fc", 3, precision), rows);
    double[] logProb = trained.logProb(rows);
    for (Precision scored : Precision.values()) {
      double[] percentiles = percentiles(trained.copy(scored), rows, false);
      for (int r = 0; r < ROWS; r++) {
        assertThat(percentiles[r]).isCloseTo(shareBelow(logProb, logProb[r]), within(0.11));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FLOAT32"})
  void roundedProductsKeepTies(Precision precision) {
    Blas blas = Blas.named("onednn");
    assumeTrue(blas.multipliesBFloat16(), "oneDNN has no bfloat16 products on this processor");
    int dimension = 130; // the least whose weights are large
    double[][] rows = rows(900, dimension, 0.5);
    TrainedFlow trained = train(flow("fc", dimension, precision), rows);
    double[] exact = trained.logProb(rows);
    try (Scorer scorer = Scorer.bfloat16(trained, blas, 2)) {
      double[] rounded = scorer.logProb(rows);
      assertThat(rounded).isNotEqualTo(exact);
    }
    double[] percentiles = percentiles(trained, rows, true);
    for (int r = 0; r < ROWS; r++) {
      if (rows[r][0] == 0.5) {
        assertThat(percentiles[r]).isEqualTo(10);
      } else {
        assertThat(percentiles[r]).isLessThan(10);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void aRowOfDensityZeroHasPercentileZero(Precision precision) {
    double[][] rows = rows(900, 2, 0.5);
    TrainedFlow trained = train(flow("fc", 2, precision), rows);
    assertThat(percentiles(trained, new double[][] {{1e300, 1}}, false)).containsExactly(0);
    Matrix far = Matrix.ofRows(Precision.FLOAT64, new double[][] {{1e300, 1}});
    try (Scorer scorer = new Scorer(trained, Blas.auto(), 1)) {
      assertThat(scorer.score(far).logProb()).containsExactly(Double.NEGATIVE_INFINITY);
    }
  }
}
