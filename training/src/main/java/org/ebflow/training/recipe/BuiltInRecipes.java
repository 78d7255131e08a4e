package org.ebflow.training.recipe;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ebflow.flow.InvalidInputException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The recipes that come with the library, composed from parts.
 *
 * <p>A part is a JSON resource of this package. It has the sections of a recipe, but only the
 * values it decides. The recipe DATA-MODEL-LOSS is made of four:
 *
 * <ol>
 *   <li>defaults.json,
 *   <li>objective/LOSS.json: all keys of the loss,
 *   <li>model/MODEL.json: all keys of the model, and what it changes elsewhere,
 *   <li>data/DATA.json: the data, and what is tuned for them.
 * </ol>
 *
 * <p>They are merged in this order. A later value replaces an earlier one; objects are merged key
 * by key. Two keys of a part are no sections:
 *
 * <ul>
 *   <li>{@code like} names another part of the same folder, which is merged just before this one;
 *   <li>{@code for} has values for some recipes only, under a glob for MODEL-LOSS, as {@code
 *       "fc-{ssm,dsm}"}. Those that match are merged after the part's other values, from first to
 *       last.
 * </ul>
 *
 * <p>A part may give values that only some kinds of preprocessing, model, objective or optimizer
 * have, as {@code objective.sigma}. Where the recipe's kind has no such key, the value is left out.
 *
 * <p>recipes.txt lists the names. MODEL and LOSS have no dash in them, DATA may. Any other name is
 * that of a part NAME.json beside defaults.json, merged last into the recipe that it is {@code
 * like}.
 */
final class BuiltInRecipes {
  private static final Pattern NAME = Pattern.compile("(.+)-([^-]+)-([^-]+)");
  private static final String LIKE = "like";
  private static final String FOR = "for";

  private BuiltInRecipes() {}

  /** Their names in the order of the alphabet. */
  static List<String> names() {
    try (InputStream in = resource("recipes.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The recipe of that name, whole. */
  static RecipeTree named(String name) {
    List<String> names = names();
    if (!names.contains(name)) {
      throw new InvalidInputException(
          "no recipe "
              + name
              + ", the nearest is "
              + SpellingSuggestion.to(name, names)
              + " (ebflow help train names all)");
    }
    ObjectNode root = composed(name);
    root.put("name", name);
    return RecipeTree.ofParts(name, root);
  }

  private static ObjectNode composed(String name) {
    Matcher parts = NAME.matcher(name);
    if (!parts.matches()) {
      ObjectNode own = part(name);
      ObjectNode root = composed(own.remove(LIKE).asString());
      merge(root, own);
      return root;
    }
    String data = parts.group(1);
    String model = parts.group(2);
    String loss = parts.group(3);
    Path modelAndLoss = Path.of(model + "-" + loss);
    ObjectNode root = part("defaults");
    add(root, "objective", loss, modelAndLoss);
    add(root, "model", model, modelAndLoss);
    add(root, "data", data, modelAndLoss);
    return root;
  }

  /**
   * Values for a recipe that takes another kind of something: those of the recipe of the same data
   * with that model and loss, whether or not {@link #names} has it. They may hold keys of several
   * kinds of an object.
   *
   * @param name of the recipe that is changed; if it is no built-in one, the values are those of
   *     model and loss alone
   * @param type of the model
   */
  static ObjectNode valuesOf(String name, String type, String loss) {
    String known = names().contains(name) ? name : "";
    Matcher parts = NAME.matcher(known.indexOf('-') < 0 ? likeOf(known) : known);
    boolean lossHasPart = hasPart("objective/" + loss);
    if (parts.matches() && lossHasPart) {
      for (String model : List.of(parts.group(2), type)) { // the part's name may be no type
        if (hasPart("model/" + model)) {
          ObjectNode same = composed(parts.group(1) + "-" + model + "-" + loss);
          if (same.path("model").path("type").asString("").equals(type)) {
            return same;
          }
        }
      }
    }
    ObjectNode root = part("defaults");
    Path modelAndLoss = Path.of(type + "-" + loss);
    if (lossHasPart) {
      add(root, "objective", loss, modelAndLoss);
    }
    if (hasPart("model/" + type)) {
      add(root, "model", type, modelAndLoss);
    }
    return root;
  }

  private static String likeOf(String name) {
    return name.isEmpty() ? "" : part(name).path(LIKE).asString("");
  }

  private static boolean hasPart(String name) {
    return BuiltInRecipes.class.getResource(name + ".json") != null;
  }

  private static void add(ObjectNode root, String folder, String name, Path modelAndLoss) {
    ObjectNode part = part(folder + "/" + name);
    JsonNode like = part.remove(LIKE);
    if (like != null) {
      add(root, folder, like.asString(), modelAndLoss);
    }
    JsonNode forSome = part.remove(FOR);
    merge(root, part);
    if (forSome != null) {
      for (Map.Entry<String, JsonNode> entry : forSome.properties()) {
        if (matches(entry.getKey(), modelAndLoss)) {
          merge(root, (ObjectNode) entry.getValue());
        }
      }
    }
  }

  private static boolean matches(String glob, Path modelAndLoss) {
    return FileSystems.getDefault().getPathMatcher("glob:" + glob).matches(modelAndLoss);
  }

  /**
   * Lays values over others.
   *
   * @param target modified
   */
  private static void merge(ObjectNode target, ObjectNode values) {
    values
        .properties()
        .forEach(
            entry -> {
              if (entry.getValue() instanceof ObjectNode inner
                  && target.get(entry.getKey()) instanceof ObjectNode place) {
                merge(place, inner);
              } else {
                target.set(entry.getKey(), entry.getValue());
              }
            });
  }

  private static ObjectNode part(String name) {
    try (InputStream in = resource(name + ".json")) {
      return (ObjectNode) RecipeJson.MAPPER.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream resource(String file) {
    InputStream in = BuiltInRecipes.class.getResourceAsStream(file);
    if (in == null) {
      throw new IllegalStateException("the resource " + file + " is missing from the package");
    }
    return in;
  }
}
