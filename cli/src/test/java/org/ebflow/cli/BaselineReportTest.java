package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.ebflow.training.Baseline;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Evaluation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BaselineReportTest {
  private static final String DEFAULT = "the default for tables, --data without --model and --loss";

  /** Of 2,000 rows. */
  private static Evaluation evaluation(double nll, long impossible) {
    Evaluation.ImpossibleRow row =
        impossible == 0 ? null : new Evaluation.ImpossibleRow(1, "a", 1e300);
    return new Evaluation(nll, 0.1, 1, 0, 2000, impossible, row);
  }

  @Test
  void theBaselinesAreOneLine() {
    Map<Baseline, Evaluation> baselines = new EnumMap<>(Baseline.class);
    baselines.put(Baseline.MARGINS, evaluation(2e6, 0));
    baselines.put(Baseline.GAUSSIAN, evaluation(1.25, 3));
    assertThat(new BaselineReport(evaluation(1, 0), baselines).text())
        .contains("baselines: Gaussian 1.2500 over 1,997 of 2,000 rows, margins 2.0000e+06 nats");
    assertThat(new BaselineReport(evaluation(1, 0), Map.of()).text()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, 2, 0, false",
    "2, 0, 2, 0, true",
    "3, 0, 2, 0, true",
    "3, 0, 2, 1, false",
    "1, 1, 2, 0, true",
    "Infinity, 2000, 2, 0, true"
  })
  void losesUnlessFewerRowsHaveDensityZeroOrItsNllIsLower(
      double nll, long impossible, double gaussian, long ofGaussian, boolean loses) {
    Map<Baseline, Evaluation> baselines =
        Map.of(Baseline.GAUSSIAN, evaluation(gaussian, ofGaussian));
    assertThat(new BaselineReport(evaluation(nll, impossible), baselines).losesToGaussian())
        .isEqualTo(loses);
  }

  @Test
  void withoutAGaussianNoModelLoses() {
    Map<Baseline, Evaluation> margins = Map.of(Baseline.MARGINS, evaluation(1, 0));
    assertThat(new BaselineReport(evaluation(2, 0), margins).losesToGaussian()).isFalse();
  }

  private static String advice(String recipe, boolean table) {
    return BaselineReport.advice(Optional.of(Recipe.named(recipe)), table);
  }

  @Test
  void advisesOnlyWhatTheRunDidNotHave() {
    String start = "no better than the Gaussian: try ";
    String whitening = start + "--set model.init=whitening, or more steps";
    assertThat(advice("table-fc-ssm", true)).isEqualTo(whitening + ", or " + DEFAULT);
    assertThat(advice("table-spline-ml", true)).isEqualTo(start + "more steps");
    assertThat(advice("mnist-fc-ssm", false)).isEqualTo(whitening + ", or --model patches");
    assertThat(advice("mnist-patches-ml", false)).isEqualTo(whitening);
    assertThat(BaselineReport.advice(Optional.empty(), true))
        .isEqualTo(whitening + ", or " + DEFAULT);
  }
}
