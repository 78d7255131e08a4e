package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
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

  @Test
  void rowsThatWouldLiePagesApartHaveAGapThatNoValueSees() {
    Flow flow = new FullyConnectedConfig(1, .3, true).build(1024, Precision.FLOAT64, 1);
    Parameters weights = flow.parameters();
    Matrix weight = weights.of(weights.blocks().getFirst());
    assertThat(weight.stride()).isEqualTo(1024 + 16);
    assertThat(weights.of(weights.blocks().get(1)).size()).isEqualTo(1024); // the bias, one row
    assertThat(weights.count()).isLessThan(weights.flat().size());

    Parameters copy = weights.copy(Precision.FLOAT32).copy(Precision.FLOAT64);
    assertThat(copy.of(weights.blocks().getFirst()).get(1023, 1023))
        .isEqualTo((float) weight.get(1023, 1023));
    Matrix x = LayerRun.random(1024, 3, 114);
    Matrix z = flow.forward(x, Blas.auto());
    Matrix back = flow.inverse(z, Blas.auto());
    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++) {
        assertThat(back.get(r, c)).isCloseTo(x.get(r, c), within(1e-9));
      }
    }
  }

  @Test
  void otherRowsFollowEachOther() {
    Flow flow = new FullyConnectedConfig(1, .3, true).build(1000, Precision.FLOAT32, 1);
    flow.parameters().byName().values().forEach(w -> assertThat(w.contiguous()).isTrue());
  }

  @Test
  void blocksThatAreNotTrainedLieBehindThoseThatAre() {
    Parameter vector = new Parameter("vector", 1, 3, Initializers.constant(7), false);
    Parameter scale = new Parameter("scale", 1, 2, Initializers.constant(2));
    SequencedMap<String, Parameter> named = new LinkedHashMap<>();
    named.put("0.vector", vector);
    named.put("0.scale", scale);
    Parameters both = Parameters.initial(named, Precision.FLOAT32, 1);
    assertThat(both.names()).containsExactly("0.vector", "0.scale");
    assertThat(both.count()).isEqualTo(2);
    assertThat(both.of(vector).get(0, 2)).isEqualTo(7);
    both.flat().columns(0, both.trainedLength()).fill(-1);
    assertThat(both.of(scale).get(0, 1)).isEqualTo(-1);
    assertThat(both.of(vector).get(0, 0)).isEqualTo(7);
  }

  @Test
  void frozenBlocksKeepTheirValuesAndLieBehindThoseThatAreTrained() {
    parameters.of(dense.weight()).set(0, 1, .5);
    Parameters frozen = parameters.freezing(List.of(dense.weight()));
    assertThat(frozen.byName().keySet()).containsExactlyElementsOf(parameters.byName().keySet());
    for (Parameters each : List.of(frozen, frozen.copy(Precision.FLOAT64))) {
      assertThat(each.trains(dense.weight())).isFalse();
      assertThat(each.trains(dense.bias())).isTrue();
      assertThat(each.of(dense.weight()).get(0, 0)).isEqualTo(2);
      assertThat(each.of(dense.weight()).get(0, 1)).isEqualTo(.5);
      each.flat().columns(0, each.trainedLength()).fill(-1);
      assertThat(each.of(dense.bias()).get(0, 2)).isEqualTo(-1);
      assertThat(each.of(dense.weight()).get(2, 2)).isEqualTo(2);
    }
    assertThat(frozen.zeros().trains(dense.weight())).isFalse();
    assertThat(frozen.freezing(List.of(dense.bias())).trainedLength()).isZero();
    assertThat(frozen.count()).isEqualTo(parameters.count());
    assertThat(parameters.trains(dense.weight())).isTrue();
    assertThat(frozen.initializedByData()).isFalse();
    parameters.initializedByData(true);
    assertThat(parameters.freezing(List.of(dense.weight())).initializedByData()).isTrue();
  }
}
