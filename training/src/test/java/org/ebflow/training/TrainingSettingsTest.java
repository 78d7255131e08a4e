package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.ebflow.training.TrainingSettings.Builder;
import org.ebflow.training.objective.AnnealedNoise;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

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
            .augment(true)
            .dataNoise(14)
            .matchAfterPreprocessing(false)
            .seed(15)
            .threads(16)
            .lastLayer(LastLayer.CLOSED_FORM)
            .build();
    assertThat(settings)
        .isEqualTo(
            new TrainingSettings(
                2,
                3,
                4,
                5,
                RateSchedule.COSINE,
                .6,
                7,
                8,
                9,
                .1,
                11,
                12,
                13,
                true,
                AnnealedNoise.constant(14),
                false,
                15,
                16,
                LastLayer.CLOSED_FORM));
    assertThat(settings.toBuilder().build()).isEqualTo(settings);
  }

  static Stream<Arguments> impossible() {
    return Stream.of(
        refused("batch_size is 0, expected at least 1", b -> b.batchSize(0)),
        refused("epochs is -1, expected at least 0", b -> b.epochs(-1)),
        refused("steps is -1, expected at least 0", b -> b.steps(-1)),
        refused("steps is 0, expected at least 1 when epochs is 0", b -> b.epochs(0)),
        refused("gamma is 0.0, expected 0 < gamma <= 1", b -> b.schedule(0, 1)),
        refused("gamma is 1.5, expected 0 < gamma <= 1", b -> b.schedule(1.5, 1)),
        refused("gamma is NaN, expected 0 < gamma <= 1", b -> b.schedule(Double.NaN, 1)),
        refused("gamma_epochs is 0, expected at least 1", b -> b.schedule(1, 0)),
        refused("clip is -1.0, expected at least 0", b -> b.clip(-1)),
        refused("clip is NaN, expected at least 0", b -> b.clip(Double.NaN)),
        refused("average_decay is 1.0, expected 0 <= average_decay < 1", b -> b.averageDecay(1)),
        refused("average_decay is -0.1, expected 0 <= average_decay < 1", b -> b.averageDecay(-.1)),
        refused("evaluate_every is 0, expected at least 1", b -> b.evaluateEvery(0)),
        refused("min_steps is -1, expected at least 0", b -> b.minSteps(-1)),
        refused("warmup_steps is -2, expected at least 0", b -> b.warmupSteps(-2)),
        refused("evaluate_steps is -3, expected at least 0", b -> b.evaluateSteps(-3)),
        refused("patience is -4, expected at least 0", b -> b.patience(-4)),
        refused("threads is 0, expected at least 1", b -> b.threads(0)));
  }

  private static Arguments refused(String message, UnaryOperator<Builder> change) {
    return Arguments.of(message, change);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("impossible")
  void anImpossibleValueIsNamedAsInARecipe(String message, UnaryOperator<Builder> change) {
    Builder builder = change.apply(TrainingSettings.builder());
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void whatIsNotNamedHasThePublishedDefault() {
    assertThat(TrainingSettings.builder().build())
        .isEqualTo(
            new TrainingSettings(
                100,
                10,
                0,
                0,
                RateSchedule.STEP,
                1,
                1,
                0,
                0,
                0.999,
                1,
                0,
                0,
                false,
                AnnealedNoise.constant(0),
                true,
                0,
                Runtime.getRuntime().availableProcessors(),
                LastLayer.TRAINED));
  }
}
