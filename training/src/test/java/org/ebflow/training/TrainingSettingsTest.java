package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainingSettingsTest {
  private static final double ROUNDING = 1e-15;

  private static TrainingSettings.Builder settings() {
    return TrainingSettings.builder().threads(1);
  }

  @ParameterizedTest
  @CsvSource({
    // epochs, steps, min_steps, steps per epoch, in all
    "10, 0, 0, 7, 70",
    "10, 0, 69, 7, 70",
    "10, 0, 500, 7, 500",
    "10, 50, 0, 7, 50",
    "10, 90, 0, 7, 70",
    "10, 90, 80, 7, 80",
    "10, 90, 500, 7, 90",
    "0, 40, 0, 7, 40",
    "0, 40, 500, 7, 40"
  })
  void aRunHasTheEpochsOrTheLeastStepsButNeverMoreThanTheMost(
      int epochs, long steps, long minSteps, long perEpoch, long total) {
    assertThat(
            settings().epochs(epochs).steps(steps).minSteps(minSteps).build().totalSteps(perEpoch))
        .isEqualTo(total);
  }

  @Test
  void evaluationsComeByEpochsOrBySteps() {
    TrainingSettings epochs = settings().evaluateEvery(2).build();
    TrainingSettings steps = settings().evaluateEvery(2).evaluateSteps(5).build();
    assertThat(LongStream.rangeClosed(1, 14).filter(step -> epochs.evaluatesAfter(step, 3, 14)))
        .containsExactly(6L, 12L, 14L);
    assertThat(LongStream.rangeClosed(1, 14).filter(step -> steps.evaluatesAfter(step, 3, 14)))
        .containsExactly(5L, 10L, 14L);
  }

  @ParameterizedTest
  @CsvSource({
    // step, warm-up, in all, factor
    "0, 0, 5, 1",
    "1, 0, 5, 0.8535533905932737",
    "2, 0, 5, 0.5",
    "3, 0, 5, 0.14644660940672624",
    "4, 0, 5, 0",
    "0, 10, 21, 0",
    "5, 10, 21, 0.5",
    "9, 10, 21, 0.9",
    "10, 10, 21, 1",
    "15, 10, 21, 0.5",
    "20, 10, 21, 0",
    "0, 0, 1, 1",
    "9, 10, 10, 0.9",
    "10, 10, 11, 1",
    "11, 10, 12, 0"
  })
  void theCosineFallsFromTheWarmUpToZeroAtTheLastStep(
      long step, long warmup, long total, double factor) {
    assertThat(
            settings()
                .schedule(RateSchedule.COSINE)
                .schedule(.5, 9) // of the other schedule
                .warmupSteps(warmup)
                .build()
                .rateFactor(step, 3, total))
        .isEqualTo(factor, within(ROUNDING));
  }

  @ParameterizedTest
  @CsvSource({
    // step, warm-up, factor, with 10 steps per epoch and a half after each of epochs 1 and 2
    "0, 0, 1",
    "9, 0, 1",
    "10, 0, 0.5",
    "29, 0, 0.25",
    "30, 0, 0.25",
    "1000, 0, 0.25",
    "0, 20, 0",
    "5, 20, 0.25",
    "15, 20, 0.375",
    "20, 20, 0.25"
  })
  void theStepsFallAfterEpochsWhateverTheLength(long step, long warmup, double factor) {
    TrainingSettings settings = settings().schedule(.5, 3).warmupSteps(warmup).build();
    assertThat(settings.rateFactor(step, 10, 30)).isEqualTo(factor);
    assertThat(settings.rateFactor(step, 10, 9999)).isEqualTo(factor);
  }

  @Test
  void everySettingSurvivesTheBuilder() {
    TrainingSettings settings =
        settings()
            .batchSize(2)
            .epochs(3)
            .steps(4)
            .minSteps(5)
            .schedule(RateSchedule.COSINE)
            .schedule(.6, 7)
            .warmupSteps(8)
            .clip(9)
            .averageDecay(.1)
            .evaluateEvery(11)
            .evaluateSteps(12)
            .patience(13)
            .dataNoise(14)
            .matchAfterPreprocessing(false)
            .seed(15)
            .threads(16)
            .build();
    assertThat(settings)
        .isEqualTo(
            new TrainingSettings(
                2, 3, 4, 5, RateSchedule.COSINE, .6, 7, 8, 9, .1, 11, 12, 13, 14, false, 15, 16));
    assertThat(settings.toBuilder().build()).isEqualTo(settings);
  }

  @Test
  void impossibleSettingsAreNamedAsInARecipe() {
    assertThatThrownBy(() -> settings().minSteps(-1).build())
        .hasMessage("min_steps is -1, expected at least 0");
    assertThatThrownBy(() -> settings().warmupSteps(-2).build())
        .hasMessage("warmup_steps is -2, expected at least 0");
    assertThatThrownBy(() -> settings().evaluateSteps(-3).build())
        .hasMessage("evaluate_steps is -3, expected at least 0");
    assertThatThrownBy(() -> settings().patience(-4).build())
        .hasMessage("patience is -4, expected at least 0");
  }
}
