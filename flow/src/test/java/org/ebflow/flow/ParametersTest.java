package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;

class ParametersTest {
  private static final double TOLERANCE = 1e-6; // of a determinant of float32 factors

  private final Dense dense =
      new Dense(3, Initializers.scaledIdentity(2), Initializers.constant(0));
  private final Parameters parameters = Flow.of(3).layer(dense).build().parameters();

  private Lu lu(Precision precision) {
    return parameters.lu(dense.weight(), Blas.auto(), precision);
  }

  @Test
  void factorsAreKeptUntilTheWeightsChangeAndThenComputedInTheSameMemory() {
    Lu before = lu(Precision.FLOAT64);
    assertThat(before.logAbsDeterminant()).isCloseTo(3 * Math.log(2), within(TOLERANCE));
    parameters.of(dense.weight()).set(0, 0, 5);
    assertThat(lu(Precision.FLOAT64).logAbsDeterminant())
        .isCloseTo(3 * Math.log(2), within(TOLERANCE));
    parameters.changed();
    assertThat(lu(Precision.FLOAT64)).isSameAs(before);
    assertThat(before.logAbsDeterminant()).isCloseTo(Math.log(5 * 2 * 2), within(TOLERANCE));
  }

  @Test
  void releasedFactorsAreComputedAgainWhenAskedFor() {
    Lu before = lu(Precision.FLOAT64);
    parameters.releaseFactorizations();
    assertThat(lu(Precision.FLOAT64)).isNotSameAs(before);
    assertThat(lu(Precision.FLOAT64).logAbsDeterminant())
        .isCloseTo(3 * Math.log(2), within(TOLERANCE));
  }

  @Test
  void factorsOfAnotherPrecisionAreOthers() {
    Lu wide = lu(Precision.FLOAT64);
    Lu narrow = lu(Precision.FLOAT32);
    assertThat(narrow).isNotSameAs(wide);
    assertThat(narrow.logAbsDeterminant()).isCloseTo(wide.logAbsDeterminant(), within(TOLERANCE));
    assertThat(narrow.inverse().precision()).isEqualTo(Precision.FLOAT32);
    assertThat(wide.inverse().precision()).isEqualTo(Precision.FLOAT64);
  }
}
