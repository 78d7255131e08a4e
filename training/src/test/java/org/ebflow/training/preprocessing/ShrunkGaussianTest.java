package org.ebflow.training.preprocessing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShrunkGaussianTest {
  private static final Blas BLAS = Blas.named("java");

  /** Correlated columns of very different scales. */
  private static double[][] rows(int count, int columns, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] rows = new double[count][columns];
    for (double[] row : rows) {
      double common = random.nextGaussian();
      for (int c = 0; c < columns; c++) {
        row[c] = Math.pow(10, c % 5 - 2) * (c + common + random.nextGaussian());
      }
    }
    return rows;
  }

  private static Moments moments(double[][] rows) {
    try (Team team = new Team(1)) {
      return Moments.of(
          Dataset.of(rows), Preprocessing.none(), Precision.FLOAT64, new Noise(1), BLAS, team);
    }
  }

  private static Matrix whitened(ShrunkGaussian gaussian, double[][] rows) {
    Matrix x = Matrix.ofRows(Precision.FLOAT64, rows);
    Matrix y = Matrix.allocate(Precision.FLOAT64, x.rows(), x.columns());
    BLAS.multiply(false, x, true, gaussian.whitening(), 1, 0, y);
    for (int r = 0; r < y.rows(); r++) {
      for (int c = 0; c < y.columns(); c++) {
        y.set(r, c, y.get(r, c) + gaussian.shift().get(0, c));
      }
    }
    return y;
  }

  /** Mean of ½‖y‖² + D/2·log 2π - log|det W|. */
  private static double nll(ShrunkGaussian gaussian, double[][] rows) {
    Matrix y = whitened(gaussian, rows);
    double squares = 0;
    for (double value : y.doubles()) {
      squares += value * value;
    }
    return squares / 2 / rows.length
        + y.columns() / 2.0 * Math.log(2 * Math.PI)
        - gaussian.logAbsDeterminant();
  }

  @Test
  void withoutShrinkageItsNllOnTheTrainingRowsIsTheEntropy() {
    double[][] rows = rows(400, 4, 1);
    Moments train = moments(rows);

    ShrunkGaussian gaussian = ShrunkGaussian.fit(train, train, BLAS);

    assertThat(gaussian.shrinkage()).isLessThan(1e-6);
    double logDet = BLAS.factorize(train.covariance(), Precision.FLOAT64).logAbsDeterminant();
    double entropy = 0.5 * (logDet + 4 * (1 + Math.log(2 * Math.PI)));
    assertThat(nll(gaussian, rows)).isCloseTo(entropy, within(1e-10));
    Moments after = moments(whitened(gaussian, rows).toRows());
    for (int r = 0; r < 4; r++) {
      assertThat(after.mean().get(0, r)).isCloseTo(0, within(1e-11));
      for (int c = 0; c < 4; c++) {
        assertThat(after.covariance().get(r, c)).isCloseTo(r == c ? 1 : 0, within(1e-10));
      }
    }
  }

  @Test
  void withMoreColumnsThanRowsTheShrinkageOfLowestValidationNllIsFound() {
    double[][] validation = rows(200, 30, 3);
    Moments train = moments(rows(20, 30, 2));

    ShrunkGaussian gaussian = ShrunkGaussian.fit(train, moments(validation), BLAS);

    assertThat(gaussian.shrinkage()).isBetween(0.01, 0.9);
    double chosen = nll(gaussian, validation);
    assertThat(chosen).isFinite();
    // other rows choose other shrinkages, which are no better on these
    for (int seed = 10; seed < 16; seed++) {
      ShrunkGaussian other = ShrunkGaussian.fit(train, moments(rows(8, 30, seed)), BLAS);
      assertThat(nll(other, validation)).isGreaterThanOrEqualTo(chosen - 1e-9);
    }
    // independent columns, λ = 1, are a candidate too
    assertThat(chosen).isLessThan(independent(train, validation));
  }

  private static double independent(Moments train, double[][] rows) {
    double nll = 0;
    for (double[] row : rows) {
      for (int c = 0; c < row.length; c++) {
        double variance = train.covariance().get(c, c);
        double deviation = row[c] - train.mean().get(0, c);
        nll += 0.5 * (Math.log(2 * Math.PI * variance) + deviation * deviation / variance);
      }
    }
    return nll / rows.length;
  }

  /** Of rounding errors some eigenvalues are a little above 0, some below. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 8, 13})
  void repeatedColumnsAreShrunkWhateverSignTheRoundingErrorsHave(int columns) {
    double[][] rows = rows(200, columns, 6);
    for (double[] row : rows) {
      row[columns - 1] = 0.3 * row[0] + 1;
    }
    Moments moments = moments(rows);

    ShrunkGaussian gaussian = ShrunkGaussian.fit(moments, moments, BLAS);

    assertThat(gaussian.shrinkage()).isEqualTo(1e-8, within(1e-20));
    for (double weight : gaussian.whitening().doubles()) {
      // 1/√λ over the least deviation, near 0.3·0.01·√2
      assertThat(Math.abs(weight)).isLessThan(1e4 / 0.003);
    }
    assertThat(nll(gaussian, rows)).isFinite();
  }

  /** Its eigenvalues are 2 + 1e-6 and -1e-6, which counts as 0. */
  @Test
  void aCorrelationThatRoundingPutsAboveOneCountsAsOne() {
    double above = 1 + 1e-6;
    Moments moments =
        new Moments(
            2_000_000_000L,
            Matrix.allocate(Precision.FLOAT64, 1, 2),
            Matrix.of(new double[] {1, above, above, 1}, 2, 2));

    ShrunkGaussian gaussian = ShrunkGaussian.fit(moments, null, BLAS);

    double shrinkage = 2 / (2 + 2e9);
    assertThat(gaussian.shrinkage()).isEqualTo(shrinkage);
    double large = (1 - shrinkage) * (2 + 1e-6) + shrinkage;
    assertThat(gaussian.logAbsDeterminant())
        .isCloseTo(-0.5 * (Math.log(large) + Math.log(shrinkage)), within(1e-12));
  }

  @Test
  void withoutValidationRowsTheShrinkageIsTheShareOfColumns() {
    ShrunkGaussian gaussian = ShrunkGaussian.fit(moments(rows(30, 10, 4)), null, BLAS);
    assertThat(gaussian.shrinkage()).isEqualTo(0.25);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void aConstantColumnIsRefused(int column) {
    double[][] rows = rows(10, 3, 5);
    for (double[] row : rows) {
      row[column] = 7;
    }
    Moments train = moments(rows);
    assertThatThrownBy(() -> ShrunkGaussian.fit(train, null, BLAS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("column " + (column + 1));
  }
}
