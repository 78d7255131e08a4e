package org.ebflow.training.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Precision;
import org.ebflow.training.check.GradientCheck;
import org.ebflow.training.objective.Objective;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The gradient of every recipe's loss on its model, made smaller, against finite differences. */
class RecipeGradientTest {
  private static final double LARGEST_ERROR = 1e-6;
  private static final int COLUMNS = 12;
  private static final int COLUMNS_OF_COUPLING = 4;
  private static final Set<String> NO_GRADIENTS = Set.of("rg", "snf");
  private static final Shape SMALL_IMAGE = new Shape(1, 4, 4);
  private static final Set<String> OF_IMAGES = Set.of("patches", "cnn", "glow");

  /** Of every kind of layer and of every mask there are two: more of the same cost minutes. */
  private static final Map<String, String> SMALLER =
      Map.of("model.blocks", "2", "model.width", "8");

  /**
   * Reports by all that a check depends on: recipes of several data sets have one model and loss.
   */
  private static final Map<List<Object>, GradientCheck.Report> REPORTS = new HashMap<>();

  @ParameterizedTest
  @MethodSource("org.ebflow.training.recipe.Recipe#names")
  void gradientsMatchFiniteDifferences(String name) {
    Recipe recipe = Recipe.named(name);
    boolean coupling = recipe.model().equals("coupling");
    boolean glow = recipe.model().equals("glow");
    int dimension = coupling ? COLUMNS_OF_COUPLING : COLUMNS;
    if (coupling || glow) {
      recipe = recipe.with(SMALLER);
    }
    if (glow) {
      recipe = recipe.set("model.steps", "2");
    }
    if (recipe.model().equals("patches")) {
      recipe = recipe.with(Map.of("model.width", "8", "model.repeats", "2"));
    }

    Shape image = OF_IMAGES.contains(recipe.model()) ? SMALL_IMAGE : null;
    Shape input = image == null ? Shape.plain(dimension) : image;

    Objective objective = recipe.objective(input.size(), image);
    GradientCheck check =
        GradientCheck.of(recipe.flow(input, Precision.FLOAT64)).objective(objective);
    if (NO_GRADIENTS.contains(recipe.loss())) {
      assertThatThrownBy(check::run)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("loss " + recipe.loss() + " follows no gradient");
      return;
    }
    GradientCheck.Report report =
        REPORTS.computeIfAbsent(
            List.of(recipe.modelConfig(), recipe.seed(), input, objective), _ -> check.run());

    assertThat(report.objective()).isEqualTo(recipe.loss());
    assertThat(report.blocks()).hasSizeGreaterThan(1);
    assertThat(report.worstError()).isLessThanOrEqualTo(LARGEST_ERROR);
  }
}
