package org.ebflow.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.recipe.Recipe;
import org.jspecify.annotations.Nullable;

/**
 * The built-in recipe for data, of which model and loss may be left open.
 *
 * @param data name of a data set or path, for messages
 * @param part first part of the recipe's name: the data set, {@code table} or {@code images}
 * @param model the one asked for, or null
 * @param loss the one asked for, or null
 */
record RecipeChoice(String data, String part, @Nullable String model, @Nullable String loss) {
  /** The dense model. */
  static final String FC = "fc";

  /** Models whose loss is ml unless another is asked for. */
  private static final Set<String> EXACT =
      Set.of(RecipeOptions.PATCHES, "patches64", TableDefault.MODEL);

  /** Models of images alone. */
  private static final Set<String> OF_IMAGES =
      Set.of(RecipeOptions.PATCHES, "patches64", "cnn", "glow", "glow64");

  /** Losses of dense layers, and models that have none. */
  private static final List<String> OF_DENSE = List.of("rg", "snf");

  private static final Set<String> WITHOUT_DENSE = Set.of("cnn", "glow", "glow64");

  private record Combination(String model, String loss) {}

  /** Whether that model is one of images alone. */
  static boolean needsImages(@Nullable String model) {
    return model != null && OF_IMAGES.contains(model);
  }

  /**
   * Chooses: fc where it is left open and there is such a recipe, then ssm, or ml for models of
   * exact likelihood; else what there is.
   *
   * @param err is told if the usual choice is none
   * @throws InvalidInputException that names the choices there are
   */
  Recipe recipe(PrintWriter err) {
    List<Combination> fitting =
        combinations()
            .filter(each -> model == null || model.equals(each.model))
            .filter(each -> loss == null || loss.equals(each.loss))
            .toList();
    if (fitting.isEmpty()) {
      throw none();
    }
    String chosenModel = preferred(fitting, Combination::model, FC);
    List<Combination> ofModel =
        fitting.stream().filter(each -> each.model.equals(chosenModel)).toList();
    String usual = EXACT.contains(chosenModel) ? "ml" : "ssm";
    String chosenLoss = preferred(ofModel, Combination::loss, usual);
    String name = name(chosenModel, chosenLoss);
    if (loss == null && !chosenLoss.equals(usual)) {
      err.printf(
          Locale.ROOT, "trained by recipe %s: there is no %s%n", name, name(chosenModel, usual));
    }
    return Recipe.named(name);
  }

  private static String preferred(
      List<Combination> all, Function<Combination, String> part, String usual) {
    return all.stream().map(part).anyMatch(usual::equals) ? usual : part.apply(all.getFirst());
  }

  private Stream<Combination> combinations() {
    String start = part + "-";
    return Recipe.names().stream()
        .filter(name -> name.startsWith(start))
        .map(name -> name.substring(start.length()).split("-", -1))
        .filter(parts -> parts.length == 2) // else those of another preprocessing
        .map(parts -> new Combination(parts[0], parts[1]));
  }

  private String name(String ofModel, String ofLoss) {
    return part + "-" + ofModel + "-" + ofLoss;
  }

  private InvalidInputException none() {
    List<Combination> ofModel = combinations().filter(each -> each.model.equals(model)).toList();
    List<Combination> ofLoss = combinations().filter(each -> each.loss.equals(loss)).toList();
    String asked =
        "--data "
            + data
            + (model == null ? "" : " --model " + model)
            + (loss == null ? "" : " --loss " + loss);
    String expected;
    if (!ofModel.isEmpty() || model == null) {
      List<Combination> with = ofModel.isEmpty() ? combinations().toList() : ofModel;
      expected = "--loss " + choices(with, Combination::loss) + bySetting(with.getFirst());
    } else {
      expected =
          "--model "
              + choices(ofLoss.isEmpty() ? combinations().toList() : ofLoss, Combination::model);
    }
    return new InvalidInputException(asked + ": expected " + expected + ", found no such recipe");
  }

  private static String choices(List<Combination> all, Function<Combination, String> part) {
    return all.stream().map(part).distinct().sorted().collect(Collectors.joining(", "));
  }

  /** How another recipe takes the loss. */
  private String bySetting(Combination other) {
    boolean known = Recipe.names().stream().anyMatch(name -> name.endsWith("-" + loss));
    boolean trains = !(OF_DENSE.contains(loss) && WITHOUT_DENSE.contains(other.model));
    return !known || !trains
        ? ""
        : String.format(
            Locale.ROOT,
            " (or recipe %s%s --set objective.loss=%s)",
            name(other.model, other.loss),
            part.equals(data) ? "" : " --data " + data,
            loss);
  }
}
