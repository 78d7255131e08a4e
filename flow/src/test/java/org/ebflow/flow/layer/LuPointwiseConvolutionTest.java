package org.ebflow.flow.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;

/** What the tests of all layers leave open: the condition and the start. */
class LuPointwiseConvolutionTest {
  private static final int CHANNELS = 12;

  private final LuPointwiseConvolution layer =
      new LuPointwiseConvolution(new Shape(CHANNELS, 2, 3));
  private final Parameters parameters =
      Parameters.initial(layer.parametersByName(), Precision.FLOAT64, 1);
  private final Matrix factors = parameters.byName().get("factors");

  @Test
  void conditionIsThatOfTheProduct() {
    factors.fill(0);
    factors.set(1, 1, Math.log(10));
    factors.set(3, 3, -Math.log(20));
    parameters.changed();

    assertThat(layer.condition(parameters, Blas.named("openblas")).orElseThrow())
        .isCloseTo(200, within(1e-9));
  }

  @Test
  void theFirstFactorsAreThoseOfPartialPivoting() {
    int larger = 0;
    for (int i = 0; i < CHANNELS; i++) {
      for (int j = 0; j < i; j++) {
        assertThat(factors.get(i, j)).isBetween(-1.0, 1.0);
        larger += Math.abs(factors.get(i, j)) > .1 ? 1 : 0;
      }
    }
    assertThat(larger).isGreaterThan(CHANNELS);
  }
}
