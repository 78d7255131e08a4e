package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class AurocTest {
  private static final double INFINITY = Double.POSITIVE_INFINITY;

  @Test
  void itIsTheShareOfPairsInOrderAndHalfTheTies() {
    assertThat(Auroc.of(new double[] {1, 2, 3}, new double[] {4, 5})).isEqualTo(1);
    assertThat(Auroc.of(new double[] {4, 5}, new double[] {3, 2, 1})).isZero();
    assertThat(Auroc.of(new double[] {1, 1}, new double[] {1})).isEqualTo(.5);
    assertThat(Auroc.of(new double[] {3, 1}, new double[] {2})).isEqualTo(.5);
    // of 6 pairs (2,1) (2,3) (3,1) (3,3) (5,1) (5,3) three and a tie are higher
    assertThat(Auroc.of(new double[] {5, 1, 3}, new double[] {4, 3})).isEqualTo(3.5 / 6);
  }

  @Test
  void infinitiesAndSignedZerosAreOrdinaryValues() {
    assertThat(Auroc.of(new double[] {0, INFINITY}, new double[] {INFINITY, INFINITY}))
        .isEqualTo(.75);
    assertThat(Auroc.of(new double[] {-INFINITY}, new double[] {-1e300})).isEqualTo(1);
    assertThat(Auroc.of(new double[] {-0.0}, new double[] {0.0})).isEqualTo(.5);
    assertThat(Auroc.of(new double[] {0.0}, new double[] {-0.0})).isEqualTo(.5);
  }

  @Test
  void itIsThatOfAllPairs() {
    Random random = new Random(3);
    double[] negatives = DoubleStream.generate(() -> random.nextInt(20)).limit(157).toArray();
    double[] positives = DoubleStream.generate(() -> 3 + random.nextInt(20)).limit(83).toArray();
    double[] unmodified = positives.clone();
    double higher = 0;
    for (double positive : positives) {
      for (double negative : negatives) {
        higher += positive > negative ? 1 : positive == negative ? .5 : 0;
      }
    }
    assertThat(Auroc.of(negatives, positives)).isCloseTo(higher / (157 * 83), within(1e-15));
    assertThat(Auroc.of(positives, negatives)).isCloseTo(1 - higher / (157 * 83), within(1e-15));
    assertThat(positives).isEqualTo(unmodified);
  }

  @Test
  void nothingAndNaNAreRefused() {
    assertThatThrownBy(() -> Auroc.of(new double[0], new double[1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Auroc.of: expected values without NaN, found none");
    assertThatThrownBy(() -> Auroc.of(new double[1], new double[] {1, Double.NaN}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Auroc.of: expected values without NaN, found NaN among 2");
  }
}
