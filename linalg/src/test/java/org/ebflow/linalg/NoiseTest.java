package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.ebflow.linalg.reference.Threefry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NoiseTest {
  private static final int ROWS = 400;
  private static final int WIDTH = 250;
  private static final int COUNT = ROWS * WIDTH;

  /** Five standard errors of a mean over COUNT elements of variance 1. */
  private static final double FIVE_SIGMA = 5 / Math.sqrt(COUNT);

  private final Noise noise = new Noise(20261);

  @Test
  void threefryGivesThePublishedBlocks() {
    assertThat(Threefry.block(0, 0)).isEqualTo(pair(0x6b200159, 0x99ba4efe));
    assertThat(Threefry.block(-1, -1)).isEqualTo(pair(0x1cb996fc, 0xbb002be7));
    assertThat(Threefry.block(pair(0x13198a2e, 0x03707344), pair(0x243f6a88, 0x85a308d3)))
        .isEqualTo(pair(0xc4923a9c, 0x483df7a0));
  }

  private static long pair(int word0, int word1) {
    return word0 & 0xFFFF_FFFFL | (long) word1 << 32;
  }

  @Test
  void keysDifferBySeedPurposeAndStep() {
    assertThat(
            new long[] {
              noise.key(0, 0),
              noise.key(1, 0),
              noise.key(0, 1),
              noise.key(0, 1L << 32),
              new Noise(20262).key(0, 0)
            })
        .doesNotHaveDuplicates();
  }

  private interface Draw {
    void into(long firstRow, Matrix out);
  }

  private Draw[] draws() {
    return new Draw[] {
      (row, out) -> noise.rademacher(1, 2, row, out),
      (row, out) -> noise.uniform(1, 2, row, out),
      (row, out) -> noise.gaussian(1, 2, row, out),
      (row, out) -> noise.antithetic(1, 2, row, out)
    };
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void anySplitOfTheRowsGivesTheSameNumbers(Precision precision) {
    for (Draw draw : draws()) {
      Matrix whole = Matrix.allocate(precision, 7, 133);
      draw.into(100, whole);
      Matrix parts = Matrix.allocate(precision, 7, 133);
      draw.into(100, parts.rows(0, 3));
      draw.into(103, parts.rows(3, 4));
      draw.into(104, parts.rows(4, 7));
      assertThat(parts.toRows()).isDeepEqualTo(whole.toRows());
    }
  }

  @Test
  void bothPrecisionsRoundTheSameNumbers() {
    for (Draw draw : draws()) {
      Matrix narrow = Matrix.allocate(Precision.FLOAT32, 3, 133);
      Matrix wide = Matrix.allocate(Precision.FLOAT64, 3, 133);
      draw.into(0, narrow);
      draw.into(0, wide);
      for (int c = 0; c < 133; c++) {
        assertThat(narrow.get(1, c)).isCloseTo(wide.get(1, c), Offset.offset(4e-6));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void antitheticRowsAreGaussianOnesAndTheirNegatives(Precision precision) {
    Matrix single = Matrix.allocate(precision, 3, 133);
    noise.gaussian(1, 2, 50, single);
    Matrix pairs = Matrix.allocate(precision, 6, 133);
    noise.antithetic(1, 2, 100, pairs);
    for (int r = 0; r < 6; r++) {
      for (int c = 0; c < 133; c++) {
        double sign = r % 2 == 0 ? 1 : -1;
        assertThat(pairs.get(r, c)).isEqualTo(sign * single.get(r / 2, c));
      }
    }
  }

  private double[] sorted(Draw draw, Precision precision) {
    Matrix out = Matrix.allocate(precision, ROWS, WIDTH);
    draw.into(0, out);
    double[] all = Arrays.stream(out.toRows()).flatMapToDouble(Arrays::stream).toArray();
    Arrays.sort(all);
    return all;
  }

  private static double moment(double[] values, int power) {
    return Arrays.stream(values).map(v -> Math.pow(v, power)).average().orElseThrow();
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void signsAreFair(Precision precision) {
    double[] signs = sorted(draws()[0], precision);
    assertThat(Arrays.stream(signs).map(Math::abs).distinct().toArray()).containsExactly(1);
    assertThat(moment(signs, 1)).isCloseTo(0, Offset.offset(FIVE_SIGMA));
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void uniformNumbersFollowTheirDistribution(Precision precision) {
    double[] values = sorted(draws()[1], precision);
    assertThat(values[0]).isNotNegative();
    assertThat(values[COUNT - 1]).isLessThan(1);
    double largestGap = 0;
    for (int i = 0; i < COUNT; i++) {
      largestGap = Math.max(largestGap, Math.abs(values[i] - (i + 0.5) / COUNT));
    }
    assertThat(largestGap).isLessThan(2 / Math.sqrt(COUNT)); // Kolmogorov-Smirnov, p about 7e-4
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void gaussianNumbersHaveTheirMoments(Precision precision) {
    double[] values = sorted(draws()[2], precision);
    assertThat(moment(values, 1)).isCloseTo(0, Offset.offset(FIVE_SIGMA));
    assertThat(moment(values, 2)).isCloseTo(1, Offset.offset(FIVE_SIGMA * Math.sqrt(2)));
    assertThat(moment(values, 3)).isCloseTo(0, Offset.offset(FIVE_SIGMA * Math.sqrt(15)));
    assertThat(moment(values, 4)).isCloseTo(3, Offset.offset(FIVE_SIGMA * Math.sqrt(96)));
    double within = Arrays.stream(values).filter(v -> Math.abs(v) < 1).count() / (double) COUNT;
    assertThat(within).isCloseTo(0.682689, Offset.offset(FIVE_SIGMA));
  }

  @Test
  void columnsOfOneBlockAreUncorrelated() {
    Matrix out = Matrix.allocate(Precision.FLOAT32, ROWS, WIDTH);
    noise.gaussian(3, 4, 0, out);
    double sum = 0;
    for (int r = 0; r < ROWS; r++) {
      for (int c = 0; c < WIDTH / 2; c++) {
        sum += out.get(r, c) * out.get(r, c + WIDTH / 2);
      }
    }
    assertThat(sum / (COUNT / 2)).isCloseTo(0, Offset.offset(2 * FIVE_SIGMA));
  }
}
