package org.ebflow.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ebflow.flow.model.Init;
import org.ebflow.linalg.Blas;
import org.ebflow.training.Baseline;
import org.ebflow.training.Baselines;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.LikelihoodText;
import org.ebflow.training.scoring.Scorer;

/**
 * How a model compares with its baselines on the same rows.
 *
 * @param model its likelihood
 * @param baselines theirs; none of a run of an earlier version
 */
record BaselineReport(Evaluation model, Map<Baseline, Evaluation> baselines) {
  /**
   * On the rows of a data set.
   *
   * @param scorer of the model
   * @param run folder with the baselines
   */
  static BaselineReport of(Scorer scorer, Path run, Dataset rows, Blas blas, int threads) {
    return new BaselineReport(
        scorer.evaluate(rows), Baselines.load(run, rows.dimension()).evaluate(rows, blas, threads));
  }

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

  /**
   * Says of a model that is no better than the Gaussian, or than margins, what it might gain by;
   * empty for one that is better than both.
   *
   * @param recipe of the run, where it is known
   * @param table whether its rows are no images
   */
  Optional<String> advice(Optional<Recipe> recipe, boolean table) {
    String unbeaten =
        Stream.of(Baseline.GAUSSIAN, Baseline.MARGINS)
            .filter(this::losesTo)
            .map(baseline -> baseline == Baseline.GAUSSIAN ? "the Gaussian" : "margins")
            .collect(Collectors.joining(" and "));
    return unbeaten.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "no better than " + unbeaten + ": try " + String.join(", or ", tries(recipe, table)));
  }

  private boolean losesTo(Baseline baseline) {
    Evaluation other = baselines.get(baseline);
    return other != null && !model.betterThan(other.impossible(), other.nll());
  }

  private static List<String> tries(Optional<Recipe> recipe, boolean table) {
    List<String> tries = new ArrayList<>();
    if (recipe.map(known -> known.modelConfig().init() != Init.WHITENING).orElse(true)) {
      tries.add("--set model.init=whitening");
    }
    tries.add("more steps");
    if (!table && recipe.map(known -> !known.model().equals(RecipeOptions.PATCHES)).orElse(true)) {
      tries.add("--model " + RecipeOptions.PATCHES);
    }
    if (table && recipe.map(BaselineReport::hasADefault).orElse(true)) {
      tries.add("the default for tables, --data without --model and --loss");
    }
    return tries;
  }

  /** Whether it is of a file, and not the default for files; data sets with a name have none. */
  private static boolean hasADefault(Recipe recipe) {
    return recipe.name().startsWith("table-") && !recipe.model().equals(TableDefault.MODEL);
  }
}
