package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.ebflow.training.TrainingSettings.Builder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TrainingSettingsTest {
  private static final int CORES = Runtime.getRuntime().availableProcessors();

  @Test
  void whatIsNotNamedHasThePublishedDefault() {
    assertThat(TrainingSettings.builder().build())
        .isEqualTo(new TrainingSettings(100, 10, 0, 1, 1, 0, 0.999, 1, 0, true, 0, CORES));
  }

  @Test
  void everySettingGoesWhereItIsNamed() {
    TrainingSettings settings =
        TrainingSettings.builder()
            .batchSize(2)
            .epochs(3)
            .steps(4)
            .schedule(0.5, 6)
            .clip(7)
            .averageDecay(0.8)
            .evaluateEvery(9)
            .dataNoise(10)
            .matchAfterPreprocessing(false)
            .seed(-12)
            .threads(13)
            .build();
    assertThat(settings)
        .isEqualTo(new TrainingSettings(2, 3, 4, 0.5, 6, 7, 0.8, 9, 10, false, -12, 13));
    assertThat(settings.toBuilder().build()).isEqualTo(settings);
    assertThat(settings.toBuilder().seed(1).build())
        .isEqualTo(new TrainingSettings(2, 3, 4, 0.5, 6, 7, 0.8, 9, 10, false, 1, 13));
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
        refused("data_noise is -1.0, expected at least 0", b -> b.dataNoise(-1)),
        refused("data_noise is NaN, expected at least 0", b -> b.dataNoise(Double.NaN)),
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
  void stepsOrEpochsEndTheTrainingWhicheverAreFewer() {
    Builder builder = TrainingSettings.builder().epochs(3);
    assertThat(builder.build().totalSteps(7)).isEqualTo(21);
    assertThat(builder.steps(20).build().totalSteps(7)).isEqualTo(20);
    assertThat(builder.steps(22).build().totalSteps(7)).isEqualTo(21);
    assertThat(builder.epochs(0).build().totalSteps(7)).isEqualTo(22);
  }
}
