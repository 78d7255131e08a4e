package org.ebflow.training.recipe;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.ModelConfig;
import org.ebflow.linalg.Precision;
import org.ebflow.training.RunFolder;
import org.ebflow.training.Trainer;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.optimizer.Optimizer;
import org.ebflow.training.preprocessing.Preprocessing;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Everything that decides a training run, as a JSON tree: name, data, model, objective, optimizer,
 * training. The built-in ones are resources of this package, the only place of their numbers; their
 * names read DATA-MODEL-LOSS.
 *
 * <pre>{@code
 * Recipe recipe = Recipe.named("mnist-fc-ssm").set("training.epochs", "33");
 * }</pre>
 *
 * <p>Immutable.
 */
public final class Recipe {
  private static final long MOST_BYTES = 1 << 24;

  /** Keys that decide which others their object has. */
  private static final Set<String> KINDS =
      Set.of("data.preprocessing.type", "model.type", "objective.loss", "optimizer.name");

  private static final String WEIGHT_NORMALISATION = "weight_normalisation";

  private final String source;
  private final ObjectNode tree;
  private final Content content;
  private final Optimizer optimizer;

  private record Content(
      String name,
      DataRecipe data,
      ModelConfig model,
      ObjectiveRecipe objective,
      OptimizerRecipe optimizer,
      TrainingRecipe training) {}

  private Recipe(String source, ObjectNode tree) {
    this(source, tree, Set.of());
  }

  /** Keys in {@code superseded} are dropped where the content has no such key. */
  private Recipe(String source, ObjectNode tree, Set<String> superseded) {
    this.source = source;
    this.tree = tree;
    addAbsent(tree);
    this.content = RecipeJson.parse(source, tree, superseded, Content.class);
    checked("training", content.training.settings()::build);
    this.optimizer = checked("optimizer", content.optimizer::build);
    Objective objective = checked("objective", () -> content.objective.build(1));
    if (bfloat16() && !objective.toleratesBFloat16()) {
      throw new InvalidInputException(
          source
              + ": training.precision is bf16, expected f32 or f64 with loss "
              + objective.name()
              + ", which subtracts energies of nearly equal size");
    }
  }

  /** What recipes written before a key was known leave out, by its meaning then. */
  private static void addAbsent(ObjectNode tree) {
    if (tree.get("model") instanceof ObjectNode model
        && model.path("type").asString("").equals("coupling")
        && !model.has(WEIGHT_NORMALISATION)) {
      model.put(WEIGHT_NORMALISATION, false);
    }
    if (tree.get("data") instanceof ObjectNode data) {
      data.putIfAbsent("header", literal("auto"));
      data.putIfAbsent("encoding", literal("UTF-8"));
      data.putIfAbsent("drop_constant", literal("false"));
    }
  }

  private <T> T checked(String section, Supplier<T> build) {
    try {
      return build.get();
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(source + ": " + section + "." + e.getMessage(), e);
    }
  }

  /** Names of the recipes that come with the library, in the order of the alphabet. */
  public static List<String> names() {
    try (InputStream in = resource("recipes.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The recipe of that name. */
  public static Recipe named(String name) {
    if (!names().contains(name)) {
      throw new InvalidInputException(
          "no recipe "
              + name
              + ", the nearest is "
              + Nearest.to(name, names())
              + " (ebflow help train names all)");
    }
    try (InputStream in = resource(name + ".json")) {
      return new Recipe(name, (ObjectNode) RecipeJson.MAPPER.readTree(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream resource(String file) {
    InputStream in = Recipe.class.getResourceAsStream(file);
    if (in == null) {
      throw new IllegalStateException("the resource " + file + " is missing from the package");
    }
    return in;
  }

  /** The recipe of that name, or of the file where the name ends in .json. */
  public static Recipe namedOrFile(String nameOrFile) {
    Path file = Path.of(nameOrFile);
    return FileFormat.ofOutput(file) == FileFormat.JSON ? ofFile(file) : named(nameOrFile);
  }

  /** A recipe file of one's own, a whole recipe as JSON; or config.json of a run. */
  public static Recipe ofFile(Path file) {
    ObjectNode root = read(file);
    return root.has("format") ? ofConfig(file, root) : new Recipe(file.toString(), root);
  }

  /** The recipe that config.json of a run recorded. */
  public static Recipe ofRun(Path run) {
    Path file = run.resolve(RunFolder.CONFIG);
    return ofConfig(file, read(file));
  }

  private static Recipe ofConfig(Path file, ObjectNode config) {
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
    return new Recipe(file.toString(), recipe);
  }

  /** The whole config.json of a run as plain data. */
  @SuppressWarnings("unchecked")
  public static Map<String, Object> config(Path run) {
    return (Map<String, Object>)
        RecipeJson.MAPPER.treeToValue(read(run.resolve(RunFolder.CONFIG)), Map.class);
  }

  private static ObjectNode read(Path file) {
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
      JsonNode node = RecipeJson.MAPPER.readTree(Files.readString(file));
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw new InvalidInputException(file + ": expected a JSON object, found another value");
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": expected a file, found none", e);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": can't be read as text (" + e.getMessage() + ")", e);
    } catch (JacksonException e) {
      String line = e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ")";
      throw new InvalidInputException(
          file
              + ": expected JSON, found something else"
              + line
              + ": "
              + e.getOriginalMessage().replaceAll("\\s+", " "),
          e);
    }
  }

  /**
   * This recipe with one value changed; {@code key} is dotted, as {@code optimizer.lr}, {@code
   * value} JSON or plain text.
   */
  public Recipe set(String key, String value) {
    return with(Map.of(key, value));
  }

  /**
   * This recipe with values changed, all at once. Where one decides which keys its object has, as
   * {@code objective.loss} does, those that the new kind does not have are dropped, and those it
   * needs beside them must be among the changes.
   *
   * @param changes JSON or plain text by dotted key
   * @throws InvalidInputException for an unknown key or an impossible value
   */
  public Recipe with(Map<String, String> changes) {
    ObjectNode copy = tree.deepCopy();
    Set<String> newKinds = new HashSet<>();
    changes.keySet().stream().filter(KINDS::contains).forEach(key -> newKinds.add(parent(key)));
    changes.forEach(
        (key, value) -> {
          ObjectNode parent = copy;
          String[] path = key.split("\\.", -1);
          for (int i = 0; i < path.length - 1; i++) {
            if (!(parent.get(path[i]) instanceof ObjectNode next)) {
              throw unknown(key);
            }
            parent = next;
          }
          String leaf = path[path.length - 1];
          JsonNode old = parent.get(leaf);
          if (path.length == 1
              || old instanceof ObjectNode
              || (old == null && !newKinds.contains(parent(key)))) {
            throw unknown(key);
          }
          parent.set(
              leaf,
              old != null && old.isString()
                  ? RecipeJson.MAPPER.getNodeFactory().stringNode(value)
                  : literal(value));
        });
    Set<String> superseded = new HashSet<>(keys());
    superseded.removeIf(key -> changes.containsKey(key) || !newKinds.contains(parent(key)));
    return new Recipe(source, copy, superseded);
  }

  private static String parent(String key) {
    return key.substring(0, Math.max(0, key.lastIndexOf('.')));
  }

  private static JsonNode literal(String value) {
    try {
      return RecipeJson.MAPPER.readTree(value);
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
    List<String> keys = keys();
    if (key.indexOf('.') >= 0) {
      return Nearest.to(key, keys);
    }
    String leaf =
        Nearest.to(
            key, keys.stream().map(full -> full.substring(full.lastIndexOf('.') + 1)).toList());
    return keys.stream().filter(full -> full.endsWith("." + leaf)).findFirst().orElse(leaf);
  }

  /** Dotted keys of all values. */
  private List<String> keys() {
    List<String> keys = new ArrayList<>();
    collect("", tree, keys);
    keys.remove("name");
    return keys;
  }

  private static void collect(String prefix, ObjectNode node, List<String> keys) {
    node.properties()
        .forEach(
            entry -> {
              if (entry.getValue() instanceof ObjectNode child) {
                collect(prefix + entry.getKey() + ".", child, keys);
              } else {
                keys.add(prefix + entry.getKey());
              }
            });
  }

  /** Its name. */
  public String name() {
    return content.name;
  }

  /** The whole recipe as plain data. */
  @SuppressWarnings("unchecked")
  public Map<String, Object> toMap() {
    return (Map<String, Object>) RecipeJson.MAPPER.treeToValue(tree, Map.class);
  }

  /** Name of its data set, or path of its table; empty where the user has to say. */
  public String data() {
    return content.data.name();
  }

  /** Folder of the published files, empty for the default place. */
  public String dataFolder() {
    return content.data.folder();
  }

  /** Name of its model: fc or coupling. */
  public String model() {
    return content.model.type();
  }

  /** Shape of its model. */
  public ModelConfig modelConfig() {
    return content.model;
  }

  /** How its gradients move weights. */
  public Optimizer optimizer() {
    return optimizer;
  }

  /** Name of its loss. */
  public String loss() {
    return tree.get("objective").get("loss").asString();
  }

  /** Seed of a run. */
  public long seed() {
    return content.training.seed();
  }

  /** Loads its data set. */
  public Splits load(DataSources sources) {
    return sources.load(content.data.name(), content.data.table(), seed());
  }

  /** How its preprocessing is found. */
  public Preprocessing.Fit preprocessing() {
    return content.data.preprocessing().build();
  }

  /** Format of weights and training rows. */
  public Precision precision() {
    return content.training.precision().precision;
  }

  /** Whether large products of a training step round their factors to bfloat16. */
  public boolean bfloat16() {
    return content.training.precision().bfloat16;
  }

  /** Whether preprocessing stays outside the model. */
  public boolean matchAfterPreprocessing() {
    return content.training.matchAfterPreprocessing();
  }

  /** Its model with fresh weights, for rows of that many numbers. */
  public Flow flow(int dimension, Precision format) {
    try {
      return content.model.build(dimension, format, seed());
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(source + ": " + e.getMessage(), e);
    }
  }

  /** Its objective, for rows of that many numbers that are pictures of that shape, or none. */
  public Objective objective(int dimension, @Nullable Shape shape) {
    return content.objective.build(shape == null ? dimension : shape.channels());
  }

  /** A trainer with all its settings, for rows like these. */
  public Trainer trainer(Dataset like) {
    return Trainer.of(
            flow(like.dimension(), precision()), objective(like.dimension(), like.imageShape()))
        .recipe(toMap())
        .preprocessing(preprocessing())
        .optimizer(optimizer)
        .bfloat16(bfloat16())
        .settings(content.training.settings().dataNoise(content.data.noise()).build());
  }
}
