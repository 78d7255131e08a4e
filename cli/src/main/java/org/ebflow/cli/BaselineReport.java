package org.ebflow.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.ebflow.flow.model.Init;
import org.ebflow.training.Baseline;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.LikelihoodText;

/**
 * How a model compares with its baselines on the same rows.
 *
 * @param model its likelihood
 * @param baselines theirs; none of a run of an earlier version
 */
record BaselineReport(Evaluation model, Map<Baseline, Evaluation> baselines) {
  /** Best model of tables, and of images. */
  private static final String TABLES = "spline";

  private static final String IMAGES = "patches";

  /** Their NLL, in one line; empty where there are none. */
  Optional<String> text() {
    return baselines.isEmpty()
        ? Optional.empty()
        : Optional.of(
            baselines.entrySet().stream()
                .map(entry -> entry.getKey().title() + " " + text(entry.getValue()))
                .collect(Collectors.joining(", ", "baselines: ", " nats")));
  }

  private static String text(Evaluation evaluation) {
    String nll = LikelihoodText.of(evaluation.nll());
    return evaluation.impossible() == 0
        ? nll
        : String.format(
            Locale.ROOT,
            "%s over %,d of %,d rows",
            nll,
            evaluation.rows() - evaluation.impossible(),
            evaluation.rows());
  }

  /** Whether there is a Gaussian and the model is no better. */
  boolean losesToGaussian() {
    Evaluation gaussian = baselines.get(Baseline.GAUSSIAN);
    return gaussian != null && !model.betterThan(gaussian.impossible(), gaussian.nll());
  }

  /**
   * What a model that loses to the Gaussian might gain by.
   *
   * @param recipe of the run, where it is known
   * @param table whether its rows are no images
   */
  static String advice(Optional<Recipe> recipe, boolean table) {
    List<String> tries = new ArrayList<>();
    if (recipe.map(known -> known.modelConfig().init() != Init.WHITENING).orElse(true)) {
      tries.add("--set model.init=whitening");
    }
    tries.add("more steps");
    if (recipe.map(known -> !known.model().equals(table ? TABLES : IMAGES)).orElse(true)) {
      tries.add(
          table
              ? "the default for tables, --data without --model and --loss"
              : "--model " + IMAGES);
    }
    return "no better than the Gaussian: try " + String.join(", or ", tries);
  }
}
