package org.ebflow.cli;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ebflow.training.Baseline;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What came of the run of one seed.
 *
 * @param testNll in nats; +Infinity where no row has a density above zero or the training diverged
 * @param validationNll of the best evaluation, likewise; NaN where an earlier version did not save
 *     it
 * @param baselines test NLL of those that could be fitted
 * @param longer options that make the run longer if it was still improving, else empty
 */
record SeedResult(
    double testNll, double validationNll, Map<Baseline, Double> baselines, String longer) {
  private static final String TEST = "test_nll";
  private static final String VALIDATION = "validation_nll";
  private static final String BASELINE = "nll_";
  private static final String LONGER = "longer";

  /** Training has diverged. */
  static final SeedResult DIVERGED =
      new SeedResult(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, Map.of(), "");

  static SeedResult of(TrainedRun trained) {
    Map<Baseline, Double> baselines = new EnumMap<>(Baseline.class);
    trained.report().baselines().forEach((baseline, of) -> baselines.put(baseline, of.nll()));
    return new SeedResult(
        trained.report().model().nll(), trained.outcome().bestNll(), baselines, trained.longer());
  }

  /** From the JSON of {@link #toMap}; null if that has no result. */
  static @Nullable SeedResult of(JsonNode entry) {
    if (!entry.has(TEST)) {
      return null;
    }
    Map<Baseline, Double> baselines = new EnumMap<>(Baseline.class);
    for (Baseline baseline : Baseline.values()) {
      if (entry.has(BASELINE + baseline.key())) {
        baselines.put(baseline, number(entry.get(BASELINE + baseline.key())));
      }
    }
    return new SeedResult(
        number(entry.get(TEST)),
        entry.has(VALIDATION) ? number(entry.get(VALIDATION)) : Double.NaN,
        baselines,
        entry.path(LONGER).asString(""));
  }

  private static double number(JsonNode value) {
    return value.isNull() ? Double.POSITIVE_INFINITY : value.doubleValue();
  }

  /** As JSON, in which null is +Infinity. */
  Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put(TEST, json(testNll));
    if (!Double.isNaN(validationNll)) {
      map.put(VALIDATION, json(validationNll));
    }
    baselines.forEach((baseline, nll) -> map.put(BASELINE + baseline.key(), json(nll)));
    if (!longer.isEmpty()) {
      map.put(LONGER, longer);
    }
    return map;
  }

  private static @Nullable Double json(double value) {
    return Double.isFinite(value) ? value : null;
  }
}
