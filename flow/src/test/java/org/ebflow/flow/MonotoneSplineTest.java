package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.MonotoneSpline.Tails;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Closed forms of a monotone spline, its blocks and its fit. */
class MonotoneSplineTest {
  private static final double ROUNDING = 1e-14;

  private static Parameters initial(MonotoneSpline layer) {
    return Parameters.initial(layer.parametersByName(), Precision.FLOAT64, 1);
  }

  private static LayerRun run(MonotoneSpline layer, Parameters weights, Matrix x, int batch) {
    return new LayerRun(layer, weights, Precision.FLOAT64, x, batch, "openblas", 1);
  }

  /** Rows that reach far into both tails. */
  private static Matrix rows(int columns) {
    Matrix x = Matrix.allocate(Precision.FLOAT64, 61, columns);
    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < columns; c++) {
        x.set(r, c, (r - 30) / 2.5 + 0.1 * c);
      }
    }
    return x;
  }

  @ParameterizedTest
  @CsvSource({"1,FREE", "2,FROZEN", "4,FREE", "9,FROZEN", "15,FREE"})
  void equalThetaIsALinearMap(int intervals, Tails tails) {
    MonotoneSpline layer = new MonotoneSpline(3, intervals, 3.5, tails);
    Parameters weights = initial(layer);
    double[] theta = {-1.5, 0, 2};
    for (Matrix block : weights.byName().values()) {
      for (int r = 0; r < block.rows(); r++) {
        for (int c = 0; c < theta.length; c++) {
          block.set(r, c, theta[c]);
        }
      }
    }
    Matrix x = rows(3);
    try (LayerRun run = run(layer, weights, x, x.rows())) {
      run.forward();
      for (int r = 0; r < x.rows(); r++) {
        for (int c = 0; c < theta.length; c++) {
          double expected = Math.exp(theta[c]) * x.get(r, c);
          assertThat(run.y.get(r, c)).isCloseTo(expected, within(ROUNDING * Math.abs(expected)));
        }
        assertThat(run.logDet().get(0, r)).isCloseTo(0.5, within(ROUNDING));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Tails.class)
  void itStartsAsTheIdentity(Tails tails) {
    MonotoneSpline layer = new MonotoneSpline(2, 9, 3.5, tails);
    Matrix x = rows(2);
    try (LayerRun run = run(layer, initial(layer), x, x.rows())) {
      run.forward();
      for (int r = 0; r < x.rows(); r++) {
        for (int c = 0; c < 2; c++) {
          assertThat(run.y.get(r, c))
              .isCloseTo(x.get(r, c), within(ROUNDING * Math.abs(x.get(r, c))));
        }
        assertThat(run.logDet().get(0, r)).isCloseTo(0, within(ROUNDING));
      }
    }
  }

  /** Columns are independent, so that those of a narrow layer have the same gradients. */
  @ParameterizedTest
  @ValueSource(ints = {512, 513, 1030})
  void gradientsOfWideRowsAreThoseOfTheirColumns(int width) {
    Matrix x = LayerRun.random(width, 5, 3);
    Matrix yBar = LayerRun.random(width, 5, 4);
    Matrix wide = thetaBar(x, yBar);
    for (int c : new int[] {0, 1, 511, width - 1}) {
      Matrix narrow = thetaBar(column(x, c), column(yBar, c));
      for (int k = 0; k < wide.rows(); k++) {
        assertThat(wide.get(k, c))
            .as("coefficient %d of column %d", k, c)
            .isCloseTo(narrow.get(k, 0), within(ROUNDING * (1 + Math.abs(narrow.get(k, 0)))));
      }
    }
  }

  private static Matrix column(Matrix rows, int c) {
    return rows.columns(c, c + 1).copy(Precision.FLOAT64);
  }

  private static Matrix thetaBar(Matrix x, Matrix yBar) {
    MonotoneSpline layer = new MonotoneSpline(x.columns(), 4, 2, Tails.FREE);
    try (LayerRun run = run(layer, initial(layer), x, x.rows())) {
      Matrix none = Matrix.allocate(Precision.FLOAT64, 1, x.rows());
      run.forward().backward(yBar, none, 0, true, 1);
      return run.sums.byName().get("theta");
    }
  }

  @Test
  void frozenTailsAreUntrainedBlocksAndGiveTheSlopesFarOut() {
    MonotoneSpline layer = new MonotoneSpline(1, 4, 2, Tails.FROZEN);
    Parameters weights = initial(layer);
    assertThat(layer.parametersByName().keySet())
        .containsExactly("left_tail", "theta", "right_tail");
    assertThat(weights.count()).isEqualTo(3); // of seven
    assertThat(new MonotoneSpline(1, 4, 2, Tails.FREE).parametersByName().keySet())
        .containsExactly("theta");
    weights.byName().get("left_tail").set(0, 0, Math.log(3));
    weights.byName().get("right_tail").set(1, 0, Math.log(0.5));
    Matrix x = Matrix.of(new double[] {-11, -10, 10, 12}, 4, 1);
    try (LayerRun run = run(layer, weights, x, 4)) {
      run.forward();
      assertThat(run.y.get(1, 0) - run.y.get(0, 0)).isCloseTo(3, within(1e-13));
      assertThat(run.y.get(3, 0) - run.y.get(2, 0)).isCloseTo(2 * 0.5, within(1e-13));
      assertThat(run.logDet().get(0, 0)).isCloseTo(Math.log(3), within(ROUNDING));
      assertThat(run.logDet().get(0, 3)).isCloseTo(Math.log(0.5), within(ROUNDING));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 | 3.5 | FREE | intervals is 0, expected 1 to 1000 with free tails",
        "1 | 3.5 | FROZEN | intervals is 1, expected 2 to 1000 with frozen tails",
        "1001 | 3.5 | FREE | intervals is 1001",
        "9 | 0 | FREE | range is 0.0, expected",
        "9 | NaN | FREE | range is NaN",
        "9 | Infinity | FROZEN | range is Infinity"
      })
  void impossibleValuesAreRefused(int intervals, double range, Tails tails, String message) {
    assertThatThrownBy(() -> new MonotoneSpline(2, intervals, range, tails))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
