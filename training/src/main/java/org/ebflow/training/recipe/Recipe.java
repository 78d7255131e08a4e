package org.ebflow.training.recipe;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.MemoryNeed;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.model.ModelConfig;
import org.ebflow.linalg.Precision;
import org.ebflow.training.LastLayer;
import org.ebflow.training.Trainer;
import org.ebflow.training.TrainingSettings;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.optimizer.Optimizer;
import org.ebflow.training.preprocessing.Preprocessing;
import org.jspecify.annotations.Nullable;

/**
 * Everything that decides a training run, as a JSON tree: name, data, model, objective, optimizer,
 * training. The built-in ones are composed from resources of this package, the only place of their
 * numbers; their names read DATA-MODEL-LOSS.
 *
 * <pre>{@code
 * Recipe recipe = Recipe.named("mnist-fc-ssm").set("training.epochs", "33");
 * }</pre>
 *
 * <p>Immutable.
 */
public final class Recipe {
  private final RecipeTree tree;
  private final Content content;
  private final Optimizer optimizer;

  private record Content(
      String name,
      DataRecipe data,
      ModelConfig model,
      ObjectiveRecipe objective,
      OptimizerRecipe optimizer,
      TrainingRecipe training) {}

  private Recipe(RecipeTree tree) {
    this.tree = tree;
    tree.addAbsent();
    this.content = RecipeJson.parse(tree, Content.class);
    checked("data", content.data::splitOptions);
    checked("data", content.data::pictures);
    checked("training", content.training.settings()::build);
    this.optimizer = checked("optimizer", content.optimizer::build);
    Objective objective = checked("objective", () -> content.objective.build(1));
    if (bfloat16() && !objective.toleratesBFloat16()) {
      throw new InvalidInputException(
          tree.source()
              + ": training.precision is bf16, expected f32 or f64 with loss "
              + objective.name()
              + ", which subtracts energies of nearly equal size");
    }
  }

  private <T> T checked(String section, Supplier<T> build) {
    try {
      return build.get();
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(tree.source() + ": " + section + "." + e.getMessage(), e);
    }
  }

  /** Names of the recipes that come with the library, in the order of the alphabet. */
  public static List<String> names() {
    return BuiltInRecipes.names();
  }

  /** The recipe of that name. */
  public static Recipe named(String name) {
    return new Recipe(BuiltInRecipes.named(name));
  }

  /** The recipe of that name, or of the file where the name ends in .json. */
  public static Recipe namedOrFile(String nameOrFile) {
    Path file = Path.of(nameOrFile);
    return FileFormat.ofOutput(file) == FileFormat.JSON ? ofFile(file) : named(nameOrFile);
  }

  /** A recipe file of one's own, a whole recipe as JSON; or config.json of a run. */
  public static Recipe ofFile(Path file) {
    return new Recipe(RecipeFile.read(file));
  }

  /**
   * The recipe that {@link #toJson} gave.
   *
   * @param source of it, for messages
   */
  public static Recipe ofJson(String source, String json) {
    return new Recipe(RecipeTree.whole(source, RecipeFile.parse(source, json)));
  }

  /** The recipe that config.json of a run recorded. */
  public static Recipe ofRun(Path run) {
    return new Recipe(RecipeFile.ofRun(run));
  }

  /** The whole config.json of a run as plain data. */
  public static Map<String, Object> config(Path run) {
    return RecipeJson.toMap(RecipeFile.config(run));
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
   * {@code objective.loss} does, those that the new kind does not have are dropped. Those that it
   * needs beside the others have the values of the recipe of the same data with that kind, or its
   * defaults, unless they are among the changes.
   *
   * @param changes JSON or plain text by dotted key
   * @throws InvalidInputException for an unknown key or an impossible value
   */
  public Recipe with(Map<String, String> changes) {
    return changes.isEmpty() ? this : new Recipe(tree.with(changes));
  }

  /** Its name. */
  public String name() {
    return content.name;
  }

  /** The whole recipe as plain data. */
  public Map<String, Object> toMap() {
    return RecipeJson.toMap(tree.root());
  }

  /** The whole recipe as JSON. */
  public String toJson() {
    return tree.root().toString();
  }

  /** Name of its data set, or path of its table; empty where the user has to say. */
  public String data() {
    return content.data.name();
  }

  /** Folder of the published files, empty for the default place. */
  public String dataFolder() {
    return content.data.folder();
  }

  /** Name of its model: fc, coupling, spline, linear, patches, cnn or glow. */
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
    return tree.root().get("objective").get("loss").asString();
  }

  /** Seed of a run. */
  public long seed() {
    return content.training.seed();
  }

  /** Whether epochs alone decide how long a run is. */
  public boolean byEpochs() {
    return content.training.epochs() > 0 && content.training.steps() == 0;
  }

  /** Loads its data set. */
  public Splits load(DataSources sources) {
    return sources.load(
        content.data.name(), content.data.table(), content.data.splitOptions(), seed());
  }

  /** The validation part's own file, empty for none. */
  public String validationFile() {
    return content.data.validation();
  }

  /** The test part's own file, empty for none. */
  public String testFile() {
    return content.data.test();
  }

  /** How its preprocessing is found. */
  public Preprocessing.Fit preprocessing() {
    return content.data.fit();
  }

  /** Format of weights and training rows. */
  public Precision precision() {
    return content.training.precision().precision;
  }

  /** Whether large products of a training step round their operands to bfloat16. */
  public boolean bfloat16() {
    return content.training.precision().bfloat16;
  }

  /** Whether preprocessing stays outside the model. */
  public boolean matchAfterPreprocessing() {
    return content.training.matchAfterPreprocessing();
  }

  /** Its model with fresh weights, for rows of that many numbers that are no images. */
  public Flow flow(int dimension, Precision format) {
    return flow(Shape.plain(dimension), format);
  }

  /** Its model with fresh weights, for rows of that shape. */
  public Flow flow(Shape input, Precision format) {
    try {
      return content.model.build(input, format, seed());
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(tree.source() + ": " + e.getMessage(), e);
    }
  }

  /** Its objective, for rows of that many numbers that are pictures of that shape, or none. */
  public Objective objective(int dimension, @Nullable Shape shape) {
    return content.objective.build(shape == null ? dimension : shape.channels());
  }

  /**
   * Compares what a run on such rows needs of memory with what there is, before any of it is taken.
   * Rows that are held in memory count too.
   *
   * @param input shape of a row
   * @param rowBytes bytes of the Java heap that rows and their order take
   * @throws InvalidInputException with both figures, if there is less
   */
  public void requireMemory(Shape input, long rowBytes) {
    List<Layer> layers = layers(input).layers();
    MemoryNeed weights = MemoryNeed.ofWeights(layers, precision());
    TrainingSettings settings = content.training.settings().build();
    int streams = 2 * content.objective.streams(); // values and cotangents
    MemoryNeed pass =
        MemoryNeed.ofPass(layers, input.size(), settings.batchSize(), streams, precision());
    MemoryNeed held =
        weights
            .times(3 + optimizer.moments()) // weights, gradient, average
            .plus(pass)
            .plus(new MemoryNeed(rowBytes, 0));
    if (bfloat16()) {
      held = held.plus(MemoryNeed.ofRounding(layers, pass, settings.threads()));
    }
    if (!matchAfterPreprocessing() || settings.lastLayer() != LastLayer.TRAINED) {
      held = held.plus(weights); // the trained flow is another than the caller's
    }
    if (content.model.init() == Init.WHITENING) {
      long square = (long) input.size() * input.size() * Double.BYTES;
      held = held.plus(new MemoryNeed(3 * square, 2 * square)); // covariance and eigenvectors
    }
    MemoryNeed evaluation = MemoryNeed.ofScoringPlan(layers, precision());
    MemoryNeed best = weights; // is read when the run ends
    held.plus(evaluation.or(best))
        .requireFits(
            String.format(
                Locale.ROOT,
                "%s on rows of %,d columns, %,d numbers in its weights, batches of %,d%s",
                name(),
                input.size(),
                weights.heap() / precision().bytes(),
                settings.batchSize(),
                pass.heap() > held.heap() / 2 ? " (fewer take less: --batch-size)" : ""));
  }

  private Flow.Builder layers(Shape input) {
    try {
      return content.model.layers(input);
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(tree.source() + ": " + e.getMessage(), e);
    }
  }

  /** The shape of the rows of its data set as far as it can be told without reading them all. */
  public Optional<Shape> leastShape(DataSources sources) {
    return sources.leastShape(content.data.name(), content.data.table());
  }

  /**
   * A trainer with all its settings, for rows like these.
   *
   * @throws InvalidInputException among others if it needs more memory than there is
   */
  public Trainer trainer(Dataset like) {
    Shape image = like.imageShape();
    Shape input = image == null ? Shape.plain(like.dimension()) : image;
    long epochOrder = (long) Integer.BYTES * like.size();
    requireMemory(input, like.heapBytes() + epochOrder);
    return Trainer.of(flow(input, precision()), objective(like.dimension(), image))
        .recipe(toMap())
        .preprocessing(preprocessing())
        .whitening(content.model.init() == Init.WHITENING)
        .optimizer(optimizer)
        .bfloat16(bfloat16())
        .settings(
            content
                .training
                .settings()
                .augment(content.data.augment())
                .dataNoise(content.data.dataNoise())
                .build());
  }
}
