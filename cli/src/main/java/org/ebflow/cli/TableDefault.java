package org.ebflow.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.training.recipe.Recipe;

/**
 * The recipe for a table of one's own where neither model nor loss is asked for
 * (docs/decisions/0035).
 *
 * @param file the table
 * @param changes of the recipe, by dotted key
 */
record TableDefault(String file, Map<String, String> changes) {
  /** Its model. */
  static final String MODEL = "spline";

  /** An LU of so many columns takes about as long as a step's products. */
  private static final int MOST_COLUMNS_FOR_ML = 256;

  /** A training step holds about six numbers for each weight. */
  private static final long MOST_WEIGHTS = 50_000_000;

  private static final int LEAST_LAYERS = 2;
  private static final String LAYERS = "model.layers";

  /** For few columns: by exact likelihood. */
  Recipe recipe() {
    return by("ml");
  }

  private Recipe by(String loss) {
    return DataOptions.tableRecipe(file, MODEL, loss).with(changes);
  }

  /**
   * For so many columns: by exact likelihood if they are few enough, else by score matching with as
   * many layers as memory allows.
   *
   * @param err is told what was chosen and why
   */
  Recipe recipe(int columns, PrintWriter err) {
    boolean exact = columns <= MOST_COLUMNS_FOR_ML;
    err.printf(
        Locale.ROOT,
        exact
            ? "trained by exact likelihood: with %,d columns a log-determinant costs little%n"
            : "trained by score matching: with %,d columns a log-determinant in every step costs much%n",
        columns);
    if (exact) {
      return recipe();
    }
    Recipe wide = by("ssm");
    int most = mostLayers(columns);
    if (!(wide.modelConfig() instanceof SplineConfig spline)
        || spline.layers() <= most
        || changes.containsKey(LAYERS)) {
      return wide;
    }
    err.printf(
        Locale.ROOT,
        "%d layers instead of %d, which would take too much memory (--set %s=%d)%n",
        most,
        spline.layers(),
        LAYERS,
        spline.layers());
    return wide.set(LAYERS, Integer.toString(most));
  }

  /** How many square layers a model for so many columns has at most, two at least. */
  static int mostLayers(int columns) {
    return (int) Math.max(LEAST_LAYERS, MOST_WEIGHTS / ((long) columns * columns));
  }
}
