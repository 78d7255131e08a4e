package org.ebflow.training.recipe;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The recipes that lie in the package as files, whatever their list says. */
final class RecipeResources {
  private static final Path FOLDER =
      Path.of("src", "main", "resources", "org", "ebflow", "training", "recipe");
  private static final String SUFFIX = ".json";

  private RecipeResources() {}

  /** Their names in the order of the alphabet. */
  static List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(file -> file.endsWith(SUFFIX))
          .map(file -> file.substring(0, file.length() - SUFFIX.length()))
          .sorted()
          .toList();
    }
  }
}
