package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Elementwise;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.Sinh;
import org.ebflow.training.preprocessing.Preprocessing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Finite rows so far out that no layer, or no precision, has a number for them. */
class ImpossibleRowsTest {
  private static final int GOOD = 300;
  private static final double[] FAR = {
    -999, 9999, 1e6, -1e6, 1e30, -1e38, 3.5e38, 1e200, -1e200, 1e308, -Double.MAX_VALUE
  };

  /** Bounded above, with an infinite slope there: log p +Infinity by the formula. */
  private record Flat() implements Elementwise {
    @Override
    public double value(double x) {
      return Math.min(x, 1);
    }

    @Override
    public double first(double x) {
      return x < 100 ? 1 : Double.POSITIVE_INFINITY;
    }

    @Override
    public double second(double x) {
      return 0;
    }

    @Override
    public double third(double x) {
      return 0;
    }

    @Override
    public double fourth(double x) {
      return 0;
    }

    @Override
    public double inverse(double y) {
      return y;
    }
  }

  private static Flow.Builder of(int dimension) {
    return Flow.of(dimension);
  }

  private static TrainedFlow standardised(Flow flow, boolean scaled) {
    int dimension = flow.dimension();
    double[] mean = new double[dimension];
    double[] deviation = new double[dimension];
    Arrays.fill(deviation, 0.25);
    TrainedFlow model = ScorerTest.model(flow);
    return scaled
        ? new TrainedFlow(
            flow, Preprocessing.standardize(mean, deviation), model.data(), model.seed())
        : model;
  }

  static Stream<Arguments> models() {
    return Stream.of(
            Arguments.of(
                "fc", standardised(of(3).dense().smoothLeakyRelu(0.3).dense().build(), true)),
            Arguments.of(
                "fc without preprocessing",
                standardised(of(3).dense().smoothLeakyRelu(0.3).dense().build(), false)),
            Arguments.of(
                "wide fc",
                standardised(of(300).dense().smoothLeakyRelu(0.3).dense().build(), true)),
            Arguments.of(
                "coupling",
                standardised(
                    of(2)
                        .actNorm()
                        .layer(ScorerTest.coupling(32, false, 1, 0))
                        .layer(ScorerTest.coupling(32, false, 0, 1))
                        .build(),
                    true)),
            Arguments.of(
                "spline",
                standardised(
                    new SplineConfig(2, 4, 2, MonotoneSpline.Tails.FREE)
                        .build(3, Precision.FLOAT32, 1),
                    true)),
            Arguments.of("sinh", standardised(of(3).dense().elementwise(new Sinh()).build(), true)),
            Arguments.of(
                "infinite slope", standardised(of(3).elementwise(new Flat()).build(), true)))
        .flatMap(
            named ->
                Stream.of("f32", "f64", "bf16")
                    .map(
                        precision ->
                            Arguments.of(
                                named.get()[0] + " " + precision, named.get()[1], precision)));
  }

  /** Far rows: each value in the first column, in the last, and in all of them. */
  private static double[][] far(int dimension) {
    return Arrays.stream(FAR)
        .boxed()
        .flatMap(
            value -> {
              double[] first = new double[dimension];
              double[] last = new double[dimension];
              double[] all = new double[dimension];
              first[0] = value;
              last[dimension - 1] = value;
              Arrays.fill(all, value);
              return Stream.of(first, last, all);
            })
        .toArray(double[][]::new);
  }

  private static void assertNumberOrImpossible(Scores scores, int row, String what) {
    double logProb = scores.logProb()[row];
    double[] others = {scores.energy()[row], scores.latentNorm()[row]};
    if (logProb == Double.NEGATIVE_INFINITY) {
      assertThat(others).as(what).containsOnly(Double.POSITIVE_INFINITY);
    } else {
      assertThat(Double.isFinite(logProb)).as("%s: log p %s", what, logProb).isTrue();
      assertThat(Double.isFinite(others[0])).as("%s: energy %s", what, others[0]).isTrue();
      assertThat(Double.isFinite(others[1])).as("%s: norm %s", what, others[1]).isTrue();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("models")
  void everyFiniteRowHasANumberOrDensityZero(String name, TrainedFlow model, String precision) {
    double[][] far = far(model.flow().dimension());
    try (Scorer scorer = ScorerTest.scorer(model, precision, 2)) {
      Scores scores = scorer.score(Matrix.ofRows(Precision.FLOAT64, far));
      for (int r = 0; r < far.length; r++) {
        assertNumberOrImpossible(scores, r, name + " at " + far[r][far[r].length - 1]);
      }
      int last = far.length - 1; // of the largest number there is, in every column
      assertThat(scores.logProb()[last]).isEqualTo(Double.NEGATIVE_INFINITY);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("models")
  void theyDisturbNoOtherRowAndHaveTheSameScoresAnywhere(
      String name, TrainedFlow model, String precision) {
    int dimension = model.flow().dimension();
    double[][] good = ScorerTest.gaussianRows(GOOD, dimension);
    double[][] far = far(dimension);
    double[][] mixed = new double[GOOD + far.length][];
    int[] place = new int[GOOD];
    for (int r = 0, next = 0; r < GOOD; r++) {
      if (r < far.length) {
        mixed[next++] = far[r];
      }
      place[r] = next;
      mixed[next++] = good[r];
    }
    try (Scorer scorer = ScorerTest.scorer(model, precision, 2)) {
      double[] expected = scorer.logProb(good);
      double[] found = scorer.logProb(mixed);
      double[] alone = scorer.logProb(far);
      for (int r = 0; r < GOOD; r++) {
        assertThat(found[place[r]]).as("row %d of %s", r, name).isEqualTo(expected[r]);
      }
      for (int r = 0; r < far.length; r++) {
        assertThat(found[2 * r]).as("far row %d of %s", r, name).isEqualTo(alone[r]);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void pixelsOutsideTheLogitsDomainHaveDensityZero(Precision precision) {
    TrainedFlow model = TrainedFlows.images().copy(precision);
    double[][] rows =
        new double[][] {
          {0, 15, 7, 3},
          {16, 15, 7, 3},
          {0, -2, 7, 3},
          {0, 15, 255, 3},
          {0, 15, 7, 1e200},
          {-1e308, 1, 2, 3}
        };
    try (Scorer scorer = new Scorer(model, Blas.auto(), 1)) {
      Scores scores = scorer.score(Matrix.ofRows(Precision.FLOAT64, rows));
      assertThat(scores.logProb()[0]).isFinite();
      for (int r = 1; r < rows.length; r++) {
        assertThat(scores.logProb()[r]).as("row %d", r).isEqualTo(Double.NEGATIVE_INFINITY);
        assertNumberOrImpossible(scores, r, "row " + r);
      }
    }
  }

  @Test
  void ofSeveralColumnsOutsideTheDomainTheFirstIsNamed() {
    Matrix row = Matrix.ofRows(Precision.FLOAT64, new double[][] {{0, -2, 300, 3}});
    try (Scorer scorer = new Scorer(TrainedFlows.images(), Blas.auto(), 1)) {
      assertThat(scorer.impossibleRow(row, 7, List.of())).hasToString("row 7, column 2 = -2");
    }
  }

  @Test
  void aRowThatIsNotFiniteHasNoDensityAtAll() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT32);
    double[][] rows = {{Double.NaN, 1, 2}, {0, 10, Double.POSITIVE_INFINITY}, {1e300, 1, 2}};
    assertThat(model.logProb(rows))
        .containsExactly(Double.NaN, Double.NaN, Double.NEGATIVE_INFINITY);
  }

  @Test
  void anEvaluationNamesTheFirstAndItsColumnFarthestOut() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT32);
    double[][] rows = TrainedFlows.rows(20);
    double mean = Arrays.stream(model.logProb(rows)).average().orElseThrow();
    double[][] mixed = Arrays.copyOf(rows, 23);
    mixed[20] = new double[] {5, 1e307, 7}; // farther out in its own deviations is column 2
    mixed[21] = new double[] {-1.5e300, 3, 1};
    mixed[22] = mixed[20];
    Dataset data = Dataset.of(mixed).select(new int[] {21, 0, 20, 1, 22}); // a view, in any order
    try (Scorer scorer = new Scorer(model, Blas.auto(), 1)) {
      assertThat(scorer.evaluate(data).firstImpossible())
          .hasToString("row 22, column a = -1.5E300");
      assertThat(scorer.evaluate(data).impossible()).isEqualTo(3);
      assertThat(scorer.evaluate(data.select(1, 5)).firstImpossible())
          .hasToString("row 21, column b = 1.0E307");
      Evaluation all = scorer.evaluate(Dataset.of(mixed));
      assertThat(all.nll()).isCloseTo(-mean, within(1e-12));
      assertThat(all.rows()).isEqualTo(23);
    }
  }

  @Test
  void weightsThatAreNotFiniteAreAnErrorAndNoRowsOfDensityZero() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT32);
    model.flow().parameters().byName().get("2.weight").set(1, 1, Double.NaN);
    model.flow().parameters().changed();
    assertThatThrownBy(() -> model.logProb(new double[][] {{1, 2, 3}}))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected finite weights")
        .hasMessageContaining("2.weight");
  }

  @Test
  void theirPercentileIsZeroAlsoWhereTrainingRowsAreImpossible() {
    double zero = Double.NEGATIVE_INFINITY;
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT32);
    TrainedFlow trained =
        new TrainedFlow(
            model.flow(),
            model.preprocessing(),
            new TrainedFlow.DataDescription(
                "table",
                List.of(),
                null,
                EmpiricalDistribution.of(new double[] {-3, zero, -2, zero, -1}),
                null),
            7);
    assertThat(trained.percentile(zero)).isZero();
    assertThat(trained.percentile(-1e30)).isEqualTo(40);
    assertThat(trained.percentile(-3)).isEqualTo(40);
    assertThat(trained.percentile(-2.5)).isEqualTo(50);
    assertThat(trained.percentile(-1)).isEqualTo(80);
    assertThat(trained.percentile(0)).isEqualTo(100);
  }
}
