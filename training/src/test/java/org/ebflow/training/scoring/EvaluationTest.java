package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EvaluationTest {
  private static final double ZERO = Double.NEGATIVE_INFINITY;

  private static Evaluation of(double... logProb) {
    return Evaluation.of(
        logProb, 2, 0, row -> new Evaluation.ImpossibleRow(10 + row, "weight", 9999));
  }

  @Test
  void rowsOfDensityZeroAreCountedAndLeftOutOfTheMeans() {
    Evaluation some = of(-1, ZERO, -3, ZERO);
    assertThat(some.nll()).isEqualTo(2);
    assertThat(some.standardError()).isEqualTo(1);
    assertThat(some.bitsPerDimension()).isEqualTo(1 / Math.log(2));
    assertThat(some.rows()).isEqualTo(4);
    assertThat(some.impossible()).isEqualTo(2);
    assertThat(some.countedRows())
        .isEqualTo(
            "over 2 of 4 rows; 2 rows have density zero, the first: row 11, column weight = 9999");
    assertThat(of(ZERO, -1).countedRows())
        .isEqualTo("over 1 of 2 rows; 1 row has density zero: row 10, column weight = 9999");
  }

  @Test
  void withoutSuchRowsThereIsNothingToSay() {
    Evaluation all = of(-1, -3);
    assertThat(all.nll()).isEqualTo(2);
    assertThat(all.impossible()).isZero();
    assertThat(all.firstImpossible()).isNull();
    assertThat(all.countedRows()).isEqualTo("2 rows");
  }

  @Test
  void withNoOtherRowsTheNllIsInfinite() {
    Evaluation none = of(ZERO, ZERO, ZERO);
    assertThat(none.nll()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(none.standardError()).isNaN();
    assertThat(none.impossible()).isEqualTo(3);
  }

  @Test
  void fewerRowsOfDensityZeroAreBetterAndThenALowerNll() {
    assertThat(of(-100, -100).betterThan(1, 1)).isTrue();
    assertThat(of(ZERO, -1).betterThan(0, 100)).isFalse();
    assertThat(of(ZERO, -1).betterThan(1, 2)).isTrue();
    assertThat(of(ZERO, -2).betterThan(1, 2)).isFalse();
    assertThat(of(ZERO, ZERO).betterThan(Long.MAX_VALUE, Double.POSITIVE_INFINITY)).isTrue();
  }

  @Test
  void aNameWithALineBreakStaysOnOneLine() {
    assertThat(new Evaluation.ImpossibleRow(7, "a\n\u001b[1mb", 2))
        .hasToString("row 7, column a\\n\\u001b[1mb = 2");
  }

  @Test
  void aValueIsPrintedAsItWasWritten() {
    assertThat(new Evaluation.ImpossibleRow(7, "b", -999)).hasToString("row 7, column b = -999");
    assertThat(new Evaluation.ImpossibleRow(7, "3", 1.5e200))
        .hasToString("row 7, column 3 = 1.5E200");
  }
}
