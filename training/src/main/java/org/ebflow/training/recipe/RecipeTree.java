package org.ebflow.training.recipe;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.ebflow.flow.InvalidInputException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A recipe as JSON. Its values are named by dotted keys, as {@code optimizer.lr}.
 *
 * @param source named in errors
 * @param root the whole recipe
 * @param optional dotted keys that are left out where their object's kind has no such key
 */
record RecipeTree(String source, ObjectNode root, Set<String> optional) {
  /** Keys that decide which others their object has. */
  private static final Set<String> KINDS =
      Set.of("data.preprocessing.type", "model.type", "objective.loss", "optimizer.name");

  /** Objects whose keys are free. */
  private static final Set<String> MAPS = Set.of("optimizer.rates");

  /** A recipe whose every key is meant. */
  static RecipeTree whole(String source, ObjectNode root) {
    return new RecipeTree(source, root, Set.of());
  }

  /** A recipe merged from parts, which may hold keys of several kinds of an object. */
  static RecipeTree ofParts(String source, ObjectNode root) {
    return new RecipeTree(source, root, keysBeside(KINDS, root));
  }

  private static Set<String> keysBeside(Set<String> kinds, ObjectNode root) {
    Set<String> objects = kinds.stream().map(RecipeTree::parent).collect(Collectors.toSet());
    return keys(root).stream()
        .filter(key -> objects.contains(parent(key)))
        .collect(Collectors.toSet());
  }

  /**
   * Adds what recipes written before a key was known leave out, by its meaning then. Modifies
   * {@code root}.
   */
  void addAbsent() {
    if (root.get("model") instanceof ObjectNode model) {
      addAbsentOfKind(model, model.path("type").asString(""));
      model.putIfAbsent("init", literal("published"));
    }
    if (root.get("data") instanceof ObjectNode data) {
      data.putIfAbsent("drop", literal("[]"));
      data.putIfAbsent("separator", literal("comma"));
      data.putIfAbsent("decimal_comma", literal("false"));
      data.putIfAbsent("header", literal("auto"));
      data.putIfAbsent("encoding", literal("UTF-8"));
      data.putIfAbsent("drop_constant", literal("false"));
      data.putIfAbsent("split", literal("[0.8, 0.1, 0.1]"));
      data.putIfAbsent("validation", literal("\"\""));
      data.putIfAbsent("test", literal("\"\""));
      data.putIfAbsent("dequantize", literal("auto"));
      data.putIfAbsent("augment", literal("false"));
      data.putIfAbsent("image_side", literal("0"));
      data.putIfAbsent("start_noise", literal("0.5"));
      data.putIfAbsent("anneal_steps", literal("0"));
    }
    if (root.get("objective") instanceof ObjectNode objective
        && objective.path("loss").asString("").equals("dsm")) {
      objective.putIfAbsent("start_sigma", literal("1"));
      objective.putIfAbsent("anneal_steps", literal("0"));
    }
    if (root.get("optimizer") instanceof ObjectNode optimizer) {
      optimizer.putIfAbsent("rates", literal("{}"));
    }
    if (root.get("training") instanceof ObjectNode training) {
      training.putIfAbsent("min_steps", literal("0"));
      training.putIfAbsent("evaluate_steps", literal("0"));
      training.putIfAbsent("patience", literal("0"));
      training.putIfAbsent("schedule", literal("step"));
      training.putIfAbsent("warmup_steps", literal("0"));
      training.putIfAbsent("last_layer", literal("trained"));
    }
  }

  private static void addAbsentOfKind(ObjectNode model, String type) {
    switch (type) {
      case "coupling" -> {
        model.putIfAbsent("weight_normalisation", literal("false"));
        model.putIfAbsent("transform", literal("published"));
      }
      case "glow" -> model.putIfAbsent("activation", literal("leaky_relu"));
      case "patches" -> {
        model.putIfAbsent("couplings", literal("0"));
        model.putIfAbsent("width", literal("64"));
        model.putIfAbsent("activation", literal("leaky_relu"));
      }
      default -> {
        // no key came later
      }
    }
  }

  /**
   * A copy with values changed, all at once. Where one decides which keys its object has, the
   * object's unchanged keys are optional in the copy, new ones may come, and those that the new
   * kind needs have its defaults.
   *
   * @param changes JSON or plain text by dotted key
   * @throws InvalidInputException for an unknown key
   */
  RecipeTree with(Map<String, String> changes) {
    ObjectNode copy = root.deepCopy();
    Set<String> newKinds = new HashSet<>(changes.keySet());
    newKinds.retainAll(KINDS);
    Set<String> ofNewKinds = newKinds.stream().map(RecipeTree::parent).collect(Collectors.toSet());
    changes.forEach(
        (key, value) -> {
          ObjectNode parent = copy;
          int leafAt = leafAt(key);
          for (String name : parent(key).split("\\.", -1)) {
            if (!(parent.get(name) instanceof ObjectNode next)) {
              throw unknown(key);
            }
            parent = next;
          }
          String leaf = key.substring(leafAt);
          JsonNode old = parent.get(leaf);
          if (leafAt == 0
              || (old instanceof ObjectNode && !MAPS.contains(key))
              || (old == null
                  && !MAPS.contains(parent(key))
                  && !ofNewKinds.contains(parent(key)))) {
            throw unknown(key);
          }
          parent.set(
              leaf,
              old != null && old.isString()
                  ? RecipeJson.MAPPER.getNodeFactory().stringNode(value)
                  : literal(value));
        });
    fillIn(copy, ofNewKinds);
    Set<String> superseded = keysBeside(newKinds, copy);
    superseded.removeAll(changes.keySet());
    return new RecipeTree(source, copy, superseded);
  }

  /** Adds what objects of another kind lack, as the built-in recipe of that kind has it. */
  private static void fillIn(ObjectNode copy, Set<String> objects) {
    if (objects.isEmpty()) {
      return;
    }
    ObjectNode values =
        BuiltInRecipes.valuesOf(
            copy.path("name").asString(""),
            copy.path("model").path("type").asString(""),
            copy.path("objective").path("loss").asString(""));
    for (String object : objects) {
      String pointer = "/" + object.replace('.', '/');
      if (copy.at(pointer) instanceof ObjectNode target
          && values.at(pointer) instanceof ObjectNode source) {
        source.properties().forEach(entry -> target.putIfAbsent(entry.getKey(), entry.getValue()));
      }
    }
  }

  /** Where the last part of a dotted key begins; keys of {@link #MAPS} may have dots themselves. */
  private static int leafAt(String key) {
    return MAPS.stream()
        .filter(map -> key.startsWith(map + "."))
        .mapToInt(map -> map.length() + 1)
        .findFirst()
        .orElse(key.lastIndexOf('.') + 1);
  }

  private static String parent(String key) {
    return key.substring(0, Math.max(0, leafAt(key) - 1));
  }

  private static JsonNode literal(String value) {
    try {
      return RecipeJson.MAPPER.readTree(value.replaceFirst("^(-?)[.](?=[0-9])", "$10."));
    } catch (JacksonException e) {
      return RecipeJson.MAPPER.getNodeFactory().stringNode(value);
    }
  }

  private InvalidInputException unknown(String key) {
    return new InvalidInputException(
        source + ": no key " + key + ", the nearest is " + nearest(key));
  }

  /** Without a dot it is the name within an object that counts. */
  private String nearest(String key) {
    List<String> keys = keys(root);
    keys.remove("name");
    if (key.indexOf('.') >= 0) {
      return SpellingSuggestion.to(key, keys);
    }
    String leaf =
        SpellingSuggestion.to(
            key, keys.stream().map(full -> full.substring(full.lastIndexOf('.') + 1)).toList());
    return keys.stream().filter(full -> full.endsWith("." + leaf)).findFirst().orElse(leaf);
  }

  /** Dotted keys of all values. */
  private static List<String> keys(ObjectNode root) {
    List<String> keys = new ArrayList<>();
    collect("", root, keys);
    return keys;
  }

  private static void collect(String prefix, ObjectNode node, List<String> keys) {
    node.properties()
        .forEach(
            entry -> {
              if (entry.getValue() instanceof ObjectNode child && !child.isEmpty()) {
                collect(prefix + entry.getKey() + ".", child, keys);
              } else {
                keys.add(prefix + entry.getKey());
              }
            });
  }
}
