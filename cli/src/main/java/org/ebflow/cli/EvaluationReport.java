package org.ebflow.cli;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.ebflow.training.Baseline;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.LikelihoodText;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** How an evaluation is printed. */
final class EvaluationReport {
  private static final JsonMapper JSON = new JsonMapper();

  private EvaluationReport() {}

  /**
   * @param ood how well other data are told from these; null where there are none
   */
  static String json(
      Evaluation evaluation,
      Map<Baseline, Evaluation> baselines,
      String split,
      @Nullable OodReport ood) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("nll", finiteOrNull(evaluation.nll()));
    map.put("bpd", finiteOrNull(evaluation.bitsPerDimension()));
    map.put("nll_se", finiteOrNull(evaluation.standardError()));
    map.put("log_z", finiteOrNull(evaluation.logZ()));
    map.put("n", evaluation.rows());
    map.put("split", split);
    map.put("impossible", evaluation.impossible());
    for (Baseline baseline : Baseline.values()) {
      Evaluation other = baselines.get(baseline);
      map.put("nll_" + baseline.key(), other == null ? null : finiteOrNull(other.nll()));
    }
    if (ood != null) {
      map.put("ood", ood.json());
    }
    return JSON.writeValueAsString(map);
  }

  /** JSON has no other numbers. */
  private static @Nullable Double finiteOrNull(double value) {
    return Double.isFinite(value) ? value : null;
  }

  static String text(Evaluation evaluation, String split) {
    return String.format(
        Locale.ROOT,
        "%s NLL %s ± %s nats, %s bits/dim, log Z %s nats, %s",
        split,
        LikelihoodText.of(evaluation.nll()),
        LikelihoodText.of(evaluation.standardError()),
        LikelihoodText.of(evaluation.bitsPerDimension()),
        LikelihoodText.of(evaluation.logZ()),
        evaluation.countedRows());
  }
}
