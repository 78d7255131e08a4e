package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.List;
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
      double nll, long impossible, double other, long ofOther, boolean loses) {
    for (Baseline baseline : List.of(Baseline.GAUSSIAN, Baseline.MARGINS)) {
      Map<Baseline, Evaluation> baselines = Map.of(baseline, evaluation(other, ofOther));
      BaselineReport report = new BaselineReport(evaluation(nll, impossible), baselines);
      assertThat(report.advice(Optional.empty(), true).isPresent()).isEqualTo(loses);
    }
  }

  private static String advice(Optional<String> recipe, boolean table, Baseline... better) {
    Map<Baseline, Evaluation> baselines = new EnumMap<>(Baseline.class);
    for (Baseline baseline : Baseline.values()) {
      boolean wins = List.of(better).contains(baseline);
      baselines.put(baseline, evaluation(wins ? 1 : 3, 0));
    }
    return new BaselineReport(evaluation(2, 0), baselines)
        .advice(recipe.map(Recipe::named), table)
        .orElse("");
  }

  @Test
  void namesWhatIsBetter() {
    Optional<String> recipe = Optional.of("table-spline-ml");
    assertThat(advice(recipe, true, Baseline.GAUSSIAN, Baseline.MARGINS, Baseline.COPULA))
        .isEqualTo("no better than the Gaussian and margins: try more steps");
    assertThat(advice(recipe, true, Baseline.MARGINS))
        .isEqualTo("no better than margins: try more steps");
    assertThat(advice(recipe, true, Baseline.COPULA)).isEmpty();
    assertThat(advice(recipe, true)).isEmpty();
    assertThat(new BaselineReport(evaluation(2, 0), Map.of()).advice(Optional.empty(), true))
        .isEmpty();
  }

  private static String afterGaussian(String recipe, boolean table) {
    Optional<String> named = recipe.isEmpty() ? Optional.empty() : Optional.of(recipe);
    return advice(named, table, Baseline.GAUSSIAN);
  }

  @Test
  void advisesOnlyWhatTheRunDidNotHave() {
    String start = "no better than the Gaussian: try ";
    String whitening = start + "--set model.init=whitening, or more steps";
    assertThat(afterGaussian("table-fc-ssm", true)).isEqualTo(whitening + ", or " + DEFAULT);
    assertThat(afterGaussian("table-spline-ml", true)).isEqualTo(start + "more steps");
    assertThat(afterGaussian("mnist-fc-ssm", false)).isEqualTo(whitening + ", or --model patches");
    assertThat(afterGaussian("mnist-patches-ml", false)).isEqualTo(whitening);
    assertThat(afterGaussian("sine-coupling-ssm", true)).isEqualTo(whitening);
    assertThat(afterGaussian("", true)).isEqualTo(whitening + ", or " + DEFAULT);
  }
}
