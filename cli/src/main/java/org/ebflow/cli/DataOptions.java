package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.InputFiles;
import org.ebflow.training.recipe.Recipe;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** Where published data sets lie, and where those of a run lie now. */
final class DataOptions {
  private static final String VARIABLE = "EBFLOW_DATA";

  @Option(
      names = "--data-dir",
      scope = ScopeType.INHERIT,
      paramLabel = "DIR",
      description =
          "Folder with mnist/, kmnist/ … Default: $"
              + VARIABLE
              + ", else downloaded once into the cache.")
  private @Nullable Path folder;

  /**
   * Reads from the folder that was named, else from {@code recorded} if it isn't empty, else from
   * the default place.
   */
  DataSources sources(String recorded) {
    return DataSources.in(folder == null && !recorded.isEmpty() ? Path.of(recorded) : folder);
  }

  /** The folder that was named, by option or variable, as an absolute path; null if none was. */
  @Nullable String named() {
    if (folder != null) {
      return folder.toAbsolutePath().normalize().toString();
    }
    Map<String, String> environment = System.getenv();
    String variable = environment.get(VARIABLE);
    return variable == null || variable.isBlank()
        ? null
        : Path.of(variable).toAbsolutePath().normalize().toString();
  }

  /**
   * The recipe of that model and loss, null where left open, for a data set known by name, or what
   * is there.
   *
   * @param err is told what was chosen, where it is not the usual
   */
  Recipe recipe(String nameOrFile, @Nullable String model, @Nullable String loss, PrintWriter err) {
    if (sources("").has(nameOrFile)) {
      return new RecipeChoice(nameOrFile, nameOrFile, model, loss).recipe(err);
    }
    requireThere(nameOrFile);
    boolean images = RecipeChoice.needsImages(model) || arePictures(nameOrFile);
    return new RecipeChoice(nameOrFile, images ? "images" : "table", model, loss)
        .recipe(err)
        .set("data.name", absolute(nameOrFile));
  }

  /**
   * Refuses a file that is not there.
   *
   * @throws InvalidInputException that says what is
   */
  void requireThere(String file) {
    if (!InputFiles.exist(file)) {
      sources("").load(file, 0);
    }
  }

  /** The recipe of that model and loss for a table of one's own. */
  static Recipe tableRecipe(String file, String model, String loss) {
    return Recipe.named("table-" + model + "-" + loss).set("data.name", absolute(file));
  }

  /** Whether it names pictures: a folder of them, or a pattern. */
  static boolean arePictures(String file) {
    return InputFiles.exist(file) && InputFiles.of(Path.of(file)).arePictures();
  }

  /** Whether it names images: pictures, or a file of many. */
  static boolean areImages(String file) {
    return InputFiles.exist(file) && InputFiles.of(Path.of(file)).areImages();
  }

  static String absolute(String file) {
    return Path.of(file).toAbsolutePath().normalize().toString();
  }

  /**
   * The recipe of a run on a file that lies elsewhere now.
   *
   * @throws InvalidInputException if the run's data are a named set, whose splits no file has
   */
  Recipe moved(Recipe recipe, String file) {
    if (sources("").has(recipe.data())) {
      throw new InvalidInputException(
          file + ": expected the run's own data set by name (" + recipe.data() + "), found a file");
    }
    return recipe.set("data.name", absolute(file));
  }
}
