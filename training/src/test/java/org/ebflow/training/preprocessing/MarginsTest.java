package org.ebflow.training.preprocessing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.Trainer;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class MarginsTest {
  private static final int LEVELS = 16;
  private static final Shape SHAPE = new Shape(1, 2, 2);

  @TempDir Path folder;

  /** A count, a lognormal number that depends on it, and a die. */
  private static double[][] rows(int count, long seed) {
    Random random = new Random(seed);
    double[][] rows = new double[count][3];
    for (double[] row : rows) {
      row[0] = Math.floor(20 * Math.abs(random.nextGaussian()));
      row[1] = Math.exp(random.nextGaussian() + row[0] / 20);
      row[2] = 1 + random.nextInt(6);
    }
    return rows;
  }

  private static byte[] pixels(int count, long seed) {
    Random random = new Random(seed);
    byte[] pixels = new byte[count * SHAPE.size()];
    for (int i = 0; i < pixels.length; i++) {
      int bright = random.nextInt(3 * LEVELS);
      pixels[i] = (byte) (bright >= LEVELS ? i % SHAPE.size() : bright);
    }
    return pixels;
  }

  private static Dataset pictures(int count) {
    return Dataset.ofPixels("pictures", pixels(count, 3), SHAPE.size(), SHAPE, LEVELS);
  }

  private static TrainedFlow independent(Dataset train, Precision precision) {
    Flow identity =
        Flow.of(train.dimension())
            .precision(precision)
            .layer(FixedAffine.uniform(train.dimension(), 1, 0))
            .build();
    return new TrainedFlow(
        identity,
        Margins.byTrainingSet(true).fit(train),
        new TrainedFlow.DataDescription(
            train.name(), List.of(), train.imageShape(), EmpiricalDistribution.unknown(), null),
        7);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void independentPixelsHaveTheLikelihoodOfTheirSmoothedHistogram(Precision precision) {
    Dataset train = pictures(200);
    int[][] counts = new int[SHAPE.size()][LEVELS];
    for (int r = 0; r < train.size(); r++) {
      for (int c = 0; c < counts.length; c++) {
        counts[c][(int) train.row(r)[c]]++;
      }
    }
    Dataset test = Dataset.ofPixels("test", pixels(50, 4), SHAPE.size(), SHAPE, LEVELS);
    double[] found = independent(train, precision).logProb(all(test));
    double rounding = precision == Precision.FLOAT32 ? 5e-5 : 1e-6; // tables are float32
    for (int r = 0; r < test.size(); r++) {
      double expected = 0;
      for (int c = 0; c < counts.length; c++) {
        double smoothed = 0;
        double sum = 0;
        for (int k = 0; k < LEVELS; k++) {
          double value = counts[c][k] + .03;
          for (int d = 0; d < counts.length; d++) { // all four pixels touch
            value += d == c ? 0 : .1 * counts[d][k];
          }
          sum += value;
          smoothed = k == (int) test.row(r)[c] ? value : smoothed;
        }
        expected += Math.log(smoothed / sum) + Math.log1p(-2e-6);
      }
      assertThat(found[r]).isCloseTo(expected, within(rounding));
    }
  }

  private static double[][] all(Dataset data) {
    double[][] rows = new double[data.size()][];
    Arrays.setAll(rows, data::row);
    return rows;
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void aSavedModelScoresWithTheSameBits(Precision precision) {
    for (Dataset train : List.of(Dataset.of(rows(300, 1)), pictures(100))) {
      TrainedFlow model = independent(train, precision);
      Path file = folder.resolve("model.safetensors");
      model.save(file, Blas.auto());
      TrainedFlow loaded = TrainedFlow.load(file);
      assertThat(loaded.logProb(all(train))).isEqualTo(model.logProb(all(train)));
      assertThat(loaded.preprocessing().wholeColumns())
          .isEqualTo(train.levels() > 0 ? List.of() : List.of(0, 2));
      assertThat(loaded.sample(20, 5, Blas.auto()).toRows())
          .isDeepEqualTo(model.sample(20, 5, Blas.auto()).toRows());
      assertThat(loaded.copy(other(precision)).logProb(all(train)))
          .isEqualTo(model.copy(other(precision)).logProb(all(train)));
    }
  }

  private static Precision other(Precision precision) {
    return precision == Precision.FLOAT32 ? Precision.FLOAT64 : Precision.FLOAT32;
  }

  @Test
  void wholeNumbersComeBackAsWholeNumbers() {
    TrainedFlow model = independent(Dataset.of(rows(2_000, 1)), Precision.FLOAT64);
    double[] dice = new double[7];
    double[][] sample = model.sample(6_000, 3, Blas.auto()).toRows();
    for (double[] row : sample) {
      assertThat(row[0]).isEqualTo(Math.rint(row[0]));
      assertThat(row[1]).isNotEqualTo(Math.rint(row[1]));
      dice[Math.clamp((int) row[2], 0, 6)]++;
    }
    for (int face = 1; face <= 6; face++) {
      assertThat(dice[face] / sample.length).isCloseTo(1 / 6.0, within(.03));
    }
    double[] first = model.logProb(new double[][] {{3, 1.5, 2}, {3, 1.5, 2}});
    assertThat(first[0]).isEqualTo(first[1]);
  }

  @Test
  void onlyVaryingColumnsOfWholeNumbersAreWhole() {
    Dataset data = Dataset.of(new double[][] {{1, 2, 5, .5}, {2, -2, 5, 1}, {1e300, 0, 5, 2}});
    assertThat(data.wholeColumns()).containsExactly(1);
  }

  @Test
  void gaussianColumnsStayNearlyWhatTheyAre() {
    Random random = new Random(8);
    double[][] rows = new double[5_000][1];
    for (double[] row : rows) {
      row[0] = 5 + 3 * random.nextGaussian();
    }
    Preprocessing margins = Margins.byTrainingSet(true).fit(Dataset.of(rows));
    Matrix x =
        Matrix.ofRows(Precision.FLOAT64, new double[][] {{-4}, {-1}, {2}, {5}, {8}, {11}, {14}});
    Matrix z = margins.flow(1, Precision.FLOAT64).forward(x, Blas.named("java"));
    for (int r = 0; r < x.rows(); r++) {
      assertThat(z.get(r, 0)).isCloseTo((x.get(r, 0) - 5) / 3, within(.15));
    }
  }

  @Test
  void aConstantColumnIsRefused() {
    Dataset constant = Dataset.of(new double[][] {{1, 2}, {3, 2}, {4, 2}});
    assertThatThrownBy(() -> Margins.byTrainingSet(true).fit(constant))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected columns that vary");
  }

  private static Trainer trainer(
      Dataset like, Precision precision, boolean map, int steps, long seed) {
    return Trainer.of(
            Flow.of(like.dimension())
                .precision(precision)
                .dense()
                .smoothLeakyRelu(.3)
                .dense()
                .build(),
            new SlicedScoreMatching())
        .preprocessing(Margins.byTrainingSet(true))
        .matchAfterPreprocessing(map)
        .optimizer(new Adam(1e-3))
        .batchSize(20)
        .steps(steps)
        .threads(1)
        .seed(seed);
  }

  @ParameterizedTest
  @CsvSource({
    "true, FLOAT32, true",
    "true, FLOAT64, false",
    "false, FLOAT32, true",
    "false, FLOAT64, true",
    "false, FLOAT32, false",
    "false, FLOAT64, false"
  })
  void runsGoOnWhereTheyWereLeft(boolean map, Precision precision, boolean pictures) {
    Splits data = (pictures ? pictures(200) : Dataset.of(rows(200, 1))).split(.8, .1, .1);
    TrainedFlow whole =
        trainer(data.train(), precision, map, 16, 5).fit(data, folder.resolve("whole"));
    trainer(data.train(), precision, map, 8, 5).fit(data, folder.resolve("parts"));
    TrainedFlow resumed =
        trainer(data.train(), precision, map, 16, 5).resume(data, folder.resolve("parts"));
    double[] found = resumed.logProb(all(data.test()));
    assertThat(found).isEqualTo(whole.logProb(all(data.test())));
    assertThat(Arrays.stream(found).boxed()).allMatch(Double::isFinite);
    assertThat(TrainedFlow.load(folder.resolve("whole")).logProb(all(data.test())))
        .isEqualTo(found);
  }

  @Test
  void insideTheModelTheDensityIsTheSame() {
    for (Dataset train : List.of(Dataset.of(rows(300, 1)), pictures(100))) {
      Preprocessing margins = Margins.byTrainingSet(false).fit(train);
      int dimension = train.dimension();
      Flow flow =
          Flow.of(dimension).precision(Precision.FLOAT64).dense().smoothLeakyRelu(.3).build();
      Flow together = flow.after(margins.layers());
      double[][] rows = all(train);
      for (double[] row : rows) {
        row[0] += .25;
      }
      Matrix x = Matrix.ofRows(Precision.FLOAT64, rows);
      Flow before = margins.flow(dimension, Precision.FLOAT64);
      double[] apart = flow.logProb(before.forward(x, Blas.auto()), Blas.auto());
      double[] gaussian = before.logProb(x, Blas.auto());
      Matrix z = before.forward(x, Blas.auto());
      double[] found = together.logProb(x, Blas.auto());
      for (int r = 0; r < found.length; r++) {
        double logDet = gaussian[r];
        for (int c = 0; c < dimension; c++) {
          logDet += .5 * (z.get(r, c) * z.get(r, c) + Math.log(2 * Math.PI));
        }
        assertThat(found[r]).isCloseTo(apart[r] + logDet, within(1e-5));
      }
    }
  }
}
