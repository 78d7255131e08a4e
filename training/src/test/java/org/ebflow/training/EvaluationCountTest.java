package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvaluationCountTest {
  /** After + for a better evaluation, - for one that is not. */
  private static EvaluationCount after(String evaluations) {
    EvaluationCount count = EvaluationCount.NONE;
    for (char evaluation : evaluations.toCharArray()) {
      count = count.plus(evaluation == '+');
    }
    return count;
  }

  @ParameterizedTest
  @CsvSource({
    // evaluations, patience, after how many of them it ends; 0 for never
    "+++++++, 1, 0",
    "+-+-+--+, 1, 2",
    "+-+-+--+, 2, 7",
    "+-+-+--+, 3, 0",
    "+---+, 3, 4",
    "-----, 3, 3",
    "+----------, 0, 0"
  })
  void patienceEndsAfterSoManyInARowThatAreNoBetter(String evaluations, int patience, int end) {
    int first = 0;
    for (int n = 1; first == 0 && n <= evaluations.length(); n++) {
      first = after(evaluations.substring(0, n)).exhaust(patience) ? n : 0;
    }
    assertThat(first).isEqualTo(end);
  }

  @Test
  void patienceThatIsAskedForAgainBeginsAnew() {
    EvaluationCount again = after("+--").patientAgain();
    assertThat(again.exhaust(2)).isFalse();
    assertThat(again.plus(false).exhaust(2)).isFalse();
    assertThat(again.plus(false).plus(false).exhaust(2)).isTrue();
    assertThat(again.plus(false).plus(true).plus(false).exhaust(2)).isFalse();
    assertThat(again.plus(false).afterBest()).isEqualTo(3);
  }

  @Test
  void itImprovesWhereTheLastOfSeveralIsTheBest() {
    assertThat(after("").improving()).isFalse();
    assertThat(after("+").improving()).isFalse();
    assertThat(after("++").improving()).isTrue();
    assertThat(after("+-+").improving()).isTrue();
    assertThat(after("++-").improving()).isFalse();
  }
}
