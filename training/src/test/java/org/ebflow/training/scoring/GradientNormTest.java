package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.FlowsUnderTest;
import org.ebflow.training.preprocessing.Preprocessing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GradientNormTest {
  private static final double STEP = 1e-5;

  static List<String> flows() {
    return List.copyOf(FlowsUnderTest.all().keySet());
  }

  private static TrainedFlow plain(Flow flow) {
    return new TrainedFlow(
        flow,
        Preprocessing.none(),
        new TrainedFlow.DataDescription(
            "rows", List.of(), null, EmpiricalDistribution.unknown(), null),
        1);
  }

  /**
   * Norm of the central differences of log p.
   *
   * @param scale of each column's units in those of the model's input
   */
  private static double differences(Scorer scorer, double[] row, double[] scale) {
    double[][] moved = new double[2 * row.length][];
    for (int c = 0; c < row.length; c++) {
      moved[2 * c] = row.clone();
      moved[2 * c + 1] = row.clone();
      moved[2 * c][c] += STEP * scale[c];
      moved[2 * c + 1][c] -= STEP * scale[c];
    }
    double[] logProb = scorer.logProb(moved);
    double squares = 0;
    for (int c = 0; c < row.length; c++) {
      double slope = (logProb[2 * c] - logProb[2 * c + 1]) / (2 * STEP);
      squares += slope * slope;
    }
    return Math.sqrt(squares);
  }

  private static double[] ones(int count) {
    double[] ones = new double[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  @ParameterizedTest
  @MethodSource("flows")
  void theNormIsThatOfFiniteDifferencesInBothPrecisions(String name) {
    Flow flow = FlowsUnderTest.named(name);
    Matrix rows = FlowsUnderTest.data(flow, 3);
    TrainedFlow model = plain(flow);
    try (Scorer exact = new Scorer(model, Blas.auto(), 1);
        Scorer fast = new Scorer(model.copy(Precision.FLOAT32), Blas.auto(), 1)) {
      Dataset data = Dataset.of(rows.toRows());
      double[] norms = exact.gradientNorm(data);
      double[] rounded = fast.gradientNorm(data);
      for (int r = 0; r < norms.length; r++) {
        double expected = differences(exact, data.row(r), ones(data.dimension()));
        assertThat(norms[r]).isCloseTo(expected, within(1e-6 * (1 + expected)));
        assertThat(rounded[r]).isCloseTo(expected, within(1e-3 * (1 + expected)));
      }
    }
  }

  @Test
  void itIsByThePreprocessedRowAndNotInTheUnitsOfTheColumns() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT64);
    double[] deviation = {.5, 1.5, 2.5}; // what they are standardized by
    double[][] rows = TrainedFlows.rows(5);
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2)) {
      double[] norms = scorer.gradientNorm(Dataset.of(rows));
      for (int r = 0; r < rows.length; r++) {
        double expected = differences(scorer, rows[r], deviation);
        assertThat(norms[r]).isCloseTo(expected, within(1e-7 * (1 + expected)));
      }
    }
  }

  @Test
  void everyRowOfEveryBlockHasItsNormWithAnyNumberOfThreads() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT64);
    double[][] rows = TrainedFlows.rows(2 * Scorer.BLOCK + 9);
    try (Scorer one = new Scorer(model, Blas.auto(), 1);
        Scorer three = new Scorer(model, Blas.auto(), 3)) {
      double[] norms = one.gradientNorm(Dataset.of(rows));
      assertThat(three.gradientNorm(Dataset.of(rows))).isEqualTo(norms);
      for (int r : new int[] {0, 255, 256, 512, 520}) {
        assertThat(norms[r])
            .isCloseTo(one.gradientNorm(Dataset.of(new double[][] {rows[r]}))[0], within(1e-12));
      }
    }
  }

  @Test
  void aRowOfDensityZeroHasAnInfiniteNorm() {
    try (Scorer scorer = new Scorer(TrainedFlows.table(Precision.FLOAT32), Blas.auto(), 1)) {
      double[] norms =
          scorer.gradientNorm(Dataset.of(new double[][] {{0, 10, 20}, {1e300, 10, 20}}));
      assertThat(norms[0]).isBetween(0.0, 100.0);
      assertThat(norms[1]).isInfinite();
    }
  }

  @Test
  void rowsOfAnotherLengthAndClosedScorersAreRefused() {
    Scorer scorer = new Scorer(TrainedFlows.table(Precision.FLOAT64), Blas.auto(), 1);
    assertThatThrownBy(() -> scorer.gradientNorm(Dataset.of(new double[1][4])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Scorer.gradientNorm: rows of data [1,4] have 4 values, the model 3");
    scorer.close();
    assertThatThrownBy(() -> scorer.gradientNorm(Dataset.of(new double[1][3])))
        .isInstanceOf(IllegalStateException.class);
  }
}
