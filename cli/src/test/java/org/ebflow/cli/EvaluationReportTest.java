package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.ebflow.training.scoring.Evaluation;
import org.junit.jupiter.api.Test;

class EvaluationReportTest {
  @Test
  void usualValuesHaveFourDecimals() {
    assertThat(
            EvaluationReport.text(
                new Evaluation(46.59961, 0.05333, 3.20142, -1.0579, 2000, 0, null), "test"))
        .isEqualTo(
            "test NLL 46.5996 ± 0.0533 nats, 3.2014 bits/dim, log Z -1.0579 nats, 2,000 rows");
  }

  @Test
  void hugeValuesHaveAPowerOfTen() {
    Evaluation huge = new Evaluation(1.5e50, 2e49, 7.25e307, -1e6, 10, 0, null);
    assertThat(EvaluationReport.text(huge, "all"))
        .isEqualTo(
            "all NLL 1.5000e+50 ± 2.0000e+49 nats, 7.2500e+307 bits/dim, log Z -1.0000e+06 nats, 10 rows");
    assertThat(EvaluationReport.json(huge, Map.of(), "all", null))
        .contains("\"nll\":1.5E50", "\"bpd\":7.25E307");
  }

  @Test
  void withoutARowOfPositiveDensityTheNllIsInfinite() {
    Evaluation none =
        new Evaluation(
            Double.POSITIVE_INFINITY,
            Double.NaN,
            Double.POSITIVE_INFINITY,
            0.5,
            1,
            1,
            new Evaluation.ImpossibleRow(1, "a", 1e300));
    assertThat(EvaluationReport.text(none, "all"))
        .startsWith("all NLL Infinity ± NaN nats, Infinity bits/dim, log Z 0.5000 nats, over 0 of");
  }
}
