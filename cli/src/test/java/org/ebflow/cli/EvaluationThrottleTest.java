package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.ebflow.flow.Flow;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;

class EvaluationThrottleTest {
  private static final Evaluation EVALUATION = new Evaluation(1, 1, 1, 0, 10, 0, null);
  private static final TrainedFlow MODEL =
      new TrainedFlow(
          Flow.of(2).dense().build(),
          Preprocessing.none(),
          new TrainedFlow.DataDescription(
              "data", List.of(), null, EmpiricalDistribution.unknown(), null),
          1);

  /** Steps whose evaluations are passed on, of a run from {@code first} to {@code steps}. */
  private static List<Long> passed(long first, long steps, long every) {
    List<Long> seen = new ArrayList<>();
    EvaluationThrottle throttle =
        new EvaluationThrottle(
            new TrainingListener() {
              @Override
              public void evaluated(
                  long step, Evaluation validation, boolean best, TrainedFlow averaged) {
                seen.add(step);
              }
            });
    throttle.started(new TrainingListener.Plan(Path.of("run"), first, steps, 10, 1, "java"));
    LongStream.rangeClosed(first, steps)
        .filter(step -> step % every == 0 || step == steps)
        .forEach(step -> throttle.evaluated(step, EVALUATION, false, MODEL));
    return seen;
  }

  @Test
  void ofFewEvaluationsAllArePassedOn() {
    assertThat(passed(0, 40, 10)).containsExactly(0L, 10L, 20L, 30L, 40L);
    assertThat(passed(1, 5000, 100)).hasSize(50);
  }

  @Test
  void ofManyFiftyEvenlySpacedOnesAndTheLast() {
    assertThat(passed(0, 50_000, 125)).hasSize(51).contains(0L, 1000L, 49_000L, 50_000L);
    assertThat(passed(0, 50_010, 125)).endsWith(50_010L).hasSizeLessThan(53);
    assertThat(passed(25_000, 50_000, 125)).hasSize(26);
  }
}
