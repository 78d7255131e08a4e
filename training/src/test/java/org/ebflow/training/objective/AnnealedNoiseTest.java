package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnnealedNoiseTest {
  @Test
  void fallsGeometricallyAndStays() {
    AnnealedNoise noise = new AnnealedNoise(.05, .8, 4);
    double[] expected = {.8, .4, .2, .1, .05, .05};
    for (int step = 0; step < expected.length; step++) {
      assertThat(noise.at(step)).isCloseTo(expected[step], within(1e-15));
    }
    assertThat(noise.at(Long.MAX_VALUE)).isEqualTo(.05);
    assertThat(noise.any()).isTrue();
  }

  @Test
  void hasFallenAtTheEndOfAShorterRun() {
    AnnealedNoise noise = new AnnealedNoise(.05, .8, 4000);
    assertThat(noise.within(4)).isEqualTo(new AnnealedNoise(.05, .8, 4));
    assertThat(noise.within(4001)).isEqualTo(noise);
  }

  @Test
  void isOneWithoutSteps() {
    AnnealedNoise constant = new AnnealedNoise(.3, .8, 0);
    assertThat(constant).isEqualTo(AnnealedNoise.constant(.3));
    assertThat(constant.at(0)).isEqualTo(.3);
  }

  @Test
  void isNoneWhereItWouldFallToNothing() {
    AnnealedNoise none = new AnnealedNoise(0, .8, 10);
    assertThat(none).isEqualTo(AnnealedNoise.constant(0));
    assertThat(none.any()).isFalse();
    assertThat(none.at(0)).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 1, 0, 'noise is -1.0, expected zero or a positive number'",
    "NaN, 1, 0, 'noise is NaN, expected zero or a positive number'",
    "Infinity, 1, 0, 'noise is Infinity, expected zero or a positive number'",
    "1, 0, 1, 'start_noise is 0.0, expected a positive number'",
    "1, Infinity, 1, 'start_noise is Infinity, expected a positive number'",
    "1, NaN, 1, 'start_noise is NaN, expected a positive number'",
    "1, 1, -1, 'anneal_steps is -1, expected at least 0'"
  })
  void refusesImpossibleValues(double deviation, double start, long steps, String message) {
    assertThatThrownBy(() -> new AnnealedNoise(deviation, start, steps))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }
}
