package org.ebflow.training.preprocessing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MomentsTest {
  private static double[][] rows(int count, int columns, double center) {
    SplittableRandom random = new SplittableRandom(5);
    double[][] rows = new double[count][columns];
    for (double[] row : rows) {
      double common = random.nextGaussian();
      for (int c = 0; c < columns; c++) {
        row[c] = center + c + common + random.nextGaussian() / (c + 1);
      }
    }
    return rows;
  }

  private static Moments moments(Dataset data, Preprocessing preprocessing, int threads) {
    try (Team team = new Team(threads)) {
      return Moments.of(
          data, preprocessing, Precision.FLOAT32, new Noise(3), Blas.named("java"), team);
    }
  }

  /** Sizes below, at and above whole blocks of 1024 rows, and fewer rows than workers. */
  @ParameterizedTest
  @CsvSource({"1, 1", "2, 3", "3, 2", "1024, 2", "1025, 3", "2500, 1", "2500, 2"})
  void areThoseOfTwoPassesOverAllRows(int count, int threads) {
    double[][] rows = rows(count, 3, 1e6);
    double[] mean = new double[3];
    for (double[] row : rows) {
      for (int c = 0; c < 3; c++) {
        mean[c] += row[c] / count;
      }
    }

    Moments moments = moments(Dataset.of(rows), Preprocessing.none(), threads);

    assertThat(moments.rows()).isEqualTo(count);
    for (int a = 0; a < 3; a++) {
      assertThat(moments.mean().get(0, a)).isCloseTo(mean[a], within(1e-8));
      for (int b = 0; b < 3; b++) {
        double sum = 0;
        for (double[] row : rows) {
          sum += (row[a] - mean[a]) * (row[b] - mean[b]);
        }
        assertThat(moments.covariance().get(a, b)).isCloseTo(sum / count, within(1e-9));
      }
    }
  }

  @Test
  void areOfThePreparedRowsWithNoiseOnWholeNumbers() {
    byte[] pixels = new byte[3000 * 2];
    Dataset data = Dataset.ofPixels("zeros", pixels, 2, null, 4);
    Preprocessing quarter =
        new Preprocessing(
            4, Preprocessing.standardize(new double[2], new double[] {4, 4}).layers());

    Moments moments = moments(data, quarter, 2);

    // (0 + u)/4 with u uniform on [0,1)
    assertThat(moments.mean().get(0, 1)).isCloseTo(1 / 8., within(4 / Math.sqrt(12 * 16 * 3000)));
    assertThat(moments.covariance().get(1, 1)).isCloseTo(1 / (12 * 16.), within(3e-4));
    assertThat(moments.covariance().get(0, 1)).isCloseTo(0, within(3e-4));
  }

  /** Black pixels, so that all that varies is the noise. */
  private static Moments ofNoise(int count, int threads) {
    Dataset data = Dataset.ofPixels("zeros", new byte[count * 2], 2, null, 4);
    return moments(data, new Preprocessing(4, List.of()), threads);
  }

  @Test
  void everyRowOfEveryBlockHasNoiseOfItsOwnWhateverTheThreads() {
    double first = ofNoise(1024, 1).mean().get(0, 0);
    assertThat(Math.abs(ofNoise(2048, 1).mean().get(0, 0) - first)).isGreaterThan(1e-5);
    for (int count : new int[] {7, 1024, 1500}) {
      Moments one = ofNoise(count, 1);
      for (int threads = 2; threads <= 3; threads++) {
        Moments several = ofNoise(count, threads);
        assertThat(several.mean().get(0, 1)).isCloseTo(one.mean().get(0, 1), within(1e-12));
        assertThat(several.covariance().get(1, 1))
            .isCloseTo(one.covariance().get(1, 1), within(1e-12));
      }
    }
  }

  @Test
  void refuseAnEmptySet() {
    Dataset empty = Dataset.of(rows(4, 2, 0)).select(0, 0);
    assertThatThrownBy(() -> moments(empty, Preprocessing.none(), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("empty");
  }

  /** Parts of 600 and 400 rows: all of them, or so that the later ones weigh 400 in 500. */
  @ParameterizedTest
  @CsvSource({"1000, 1000", "5000, 1000", "500, 500", "400, 400"})
  void anAverageIsThatOfBothPartsUntilTheWindowIsFull(long window, long count) {
    double[][] rows = rows(1000, 3, 10);
    Dataset all = Dataset.of(rows);
    Moments first = moments(all.select(0, 600), Preprocessing.none(), 1);
    Moments later = moments(all.select(600, 1000), Preprocessing.none(), 1);

    Moments average = first.averagedWith(later, window, Blas.named("java"));

    assertThat(average.rows()).isEqualTo(count);
    double[] weights = new double[1000]; // of each row
    Arrays.fill(weights, 0, 600, (1 - 400.0 / count) / 600);
    Arrays.fill(weights, 600, 1000, 1.0 / count);
    double[] mean = new double[3];
    for (int r = 0; r < 1000; r++) {
      for (int c = 0; c < 3; c++) {
        mean[c] += weights[r] * rows[r][c];
      }
    }
    for (int a = 0; a < 3; a++) {
      assertThat(average.mean().get(0, a)).isCloseTo(mean[a], within(1e-10));
      for (int b = 0; b < 3; b++) {
        double sum = 0;
        for (int r = 0; r < 1000; r++) {
          sum += weights[r] * (rows[r][a] - mean[a]) * (rows[r][b] - mean[b]);
        }
        assertThat(average.covariance().get(a, b)).isCloseTo(sum, within(1e-9));
      }
    }
  }
}
