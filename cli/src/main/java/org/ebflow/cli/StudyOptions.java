package org.ebflow.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How the runs of a study are trained, and where they go. */
final class StudyOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "Runs of each recipe, each with a seed and a split of its own. Default: 3.")
  private int seeds = 3;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Steps of every run; the recipe's epochs do not count then.")
  private @Nullable String steps;

  @Option(
      names = "--set",
      paramLabel = "key=value",
      description = "Any value of all recipes, as data.drop_constant=true.")
  private Map<String, String> changes = new LinkedHashMap<>();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description =
          "Folder of the runs and results. Of one that has runs already, those that are done are not repeated. Default: runs/NAME-TIME.")
  private @Nullable Path out;

  @Mixin private DataOptions data = new DataOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  /** Where data sets lie. */
  DataOptions data() {
    return data;
  }

  /** What is changed in every recipe, by dotted key. */
  Map<String, String> changes() {
    Map<String, String> all = new LinkedHashMap<>(changes);
    RecipeOptions.putSteps(all, steps);
    RecipeOptions.put(all, "data.folder", data.named());
    return all;
  }

  /** A study with no runs yet. */
  Study study(String name) {
    if (seeds < 2) {
      throw new ParameterException(
          spec.commandLine(), "--seeds is " + seeds + ", expected at least 2");
    }
    return new Study(
        new NewRun(out, name),
        seeds,
        new RecipeTraining(compute, spec.commandLine().getErr(), false),
        this::load);
  }

  /** Data of a recipe. */
  Splits load(Recipe recipe) {
    return recipe.load(data.sources(recipe.dataFolder()));
  }

  /** Threads and matrix products. */
  ComputeOptions compute() {
    return compute;
  }
}
