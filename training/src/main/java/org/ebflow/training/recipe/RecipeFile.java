package org.ebflow.training.recipe;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.RunFolder;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads recipes from files: a user's own, or config.json of a run. */
final class RecipeFile {
  private static final long MOST_BYTES = 1 << 24;

  private RecipeFile() {}

  /** A whole recipe as JSON, or the one that config.json of a run recorded. */
  static RecipeTree read(Path file) {
    ObjectNode root = json(file);
    return root.has("format") ? ofConfig(file, root) : RecipeTree.whole(file.toString(), root);
  }

  /** The recipe that config.json of a run recorded. */
  static RecipeTree ofRun(Path run) {
    return ofConfig(run.resolve(RunFolder.CONFIG), config(run));
  }

  /** The whole config.json of a run. */
  static ObjectNode config(Path run) {
    return json(run.resolve(RunFolder.CONFIG));
  }

  private static RecipeTree ofConfig(Path file, ObjectNode config) {
    String format = config.path("format").asString("");
    if (!format.equals(RunFolder.CONFIG_FORMAT)) {
      throw new InvalidInputException(
          file
              + ": expected a run's configuration of format "
              + RunFolder.CONFIG_FORMAT
              + ", found "
              + (format.isEmpty() ? "none" : format));
    }
    if (!(config.get("recipe") instanceof ObjectNode recipe) || recipe.isEmpty()) {
      throw new InvalidInputException(
          file + ": expected the recipe of a run, found none (was it trained from Java?)");
    }
    return RecipeTree.whole(file.toString(), recipe);
  }

  private static ObjectNode json(Path file) {
    try {
      if (Files.isDirectory(file)) {
        throw new InvalidInputException(file + ": expected a file, found a folder");
      }
      if (Files.size(file) > MOST_BYTES) {
        throw new InvalidInputException(
            file
                + ": expected at most "
                + MOST_BYTES
                + " bytes of JSON, found "
                + Files.size(file));
      }
      return parse(file.toString(), Files.readString(file));
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": expected a file, found none", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": can't be read as text (" + e.getMessage() + ")", e);
    }
  }

  /** A JSON object. */
  static ObjectNode parse(String source, String json) {
    try {
      JsonNode node = RecipeJson.MAPPER.readTree(json);
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw new InvalidInputException(source + ": expected a JSON object, found another value");
    } catch (JacksonException e) {
      String line = e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ")";
      throw new InvalidInputException(
          source
              + ": expected JSON, found something else"
              + line
              + ": "
              + OneLine.message(e.getOriginalMessage()),
          e);
    }
  }
}
