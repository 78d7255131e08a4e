package org.ebflow.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Which recipe a run is trained by: the one that is chosen, and what is changed in it. */
final class RecipeOptions {
  private static final String QUICKSTART = "quickstart";
  static final String PATCHES = "patches";

  static final List<String> LOSSES = List.of("ssm", "dsm", "fdssm", "ml", "sml", "rg", "snf");

  static final List<String> MODELS =
      List.of(
          RecipeChoice.FC,
          "coupling",
          TableDefault.MODEL,
          PATCHES,
          "patches64",
          "cnn",
          "glow",
          "glow64",
          "linear");

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "RECIPE|CONFIG.json",
      description = "A recipe's name, or a file. One of: ${COMPLETION-CANDIDATES}.",
      completionCandidates = RecipeNames.class)
  private @Nullable String recipeName;

  @Option(
      names = "--data",
      paramLabel = "NAME|PATH",
      description =
          "A data set by name; tables (.csv, .npy, .parquet), a folder of them, or a pattern, as 'parts/*.csv'; images in an array (.npy) or idx file; or a folder of pictures (.png, .jpg), with those below it.")
  private @Nullable String data;

  @Option(
      names = "--split",
      split = ",",
      paramLabel = "TRAIN,VALIDATION,TEST",
      hideParamSyntax = true,
      description =
          "Shares of the table's rows for the three parts, drawn by the seed. Default: .8,.1,.1.")
  private double @Nullable [] split;

  @Option(
      names = {"--validation", "--val"},
      paramLabel = "FILE",
      description =
          "A table of its own for the validation part, columns by name; the other parts share the rows of --data. With --resume: where it lies now.")
  private @Nullable String validation;

  @Option(
      names = "--test",
      paramLabel = "FILE",
      description = "A table of its own for the test part, as --validation.")
  private @Nullable String test;

  @Option(
      names = "--loss",
      paramLabel = "LOSS",
      description =
          "With --data: ml, sml, ssm, dsm, fdssm, or with model fc rg or snf. Default: ssm, or ml with model spline or patches, if the data set has it.")
  private @Nullable String loss;

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description =
          "With --data: fc, coupling, spline, linear; patches, patches64, cnn, glow or glow64 for images. Default: the data set's; for tables spline, by ml up to 256 columns.")
  private @Nullable String model;

  @Option(names = "--epochs", paramLabel = "N", description = "Passes over the training rows.")
  private @Nullable String epochs;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "Steps; the recipe's epochs do not count then.")
  private @Nullable String steps;

  @Option(names = "--batch-size", paramLabel = "N", description = "Rows per step.")
  private @Nullable String batchSize;

  @Option(names = "--lr", paramLabel = "X", description = "Learning rate.")
  private @Nullable String learningRate;

  @Option(names = "--no-map", description = "Preprocessing as part of the model.")
  private boolean noMap;

  @Option(
      names = "--drop-nonfinite",
      description = "Leave out a table's rows with missing values, NaN or infinity.")
  private boolean dropNonFinite;

  @Option(
      names = "--drop-constant",
      description =
          "Leave out a table's columns with one value in all training rows; without it they are an error.")
  private boolean dropConstant;

  @Option(
      names = "--set",
      paramLabel = "key=value",
      description = {
        "Any value of the recipe, as optimizer.lr=1e-3. Some that have no option of their own:",
        "training.patience=N stops after N evaluations without a better validation NLL (0: never)",
        "training.min_steps=N makes at least N steps where epochs are given",
        "training.evaluate_steps=N evaluates every N steps rather than by epochs",
        "training.schedule=cosine lets the learning rate fall to 0 at the last step",
        "training.warmup_steps=N lets it rise linearly from 0 before",
        "training.last_layer=closed_form fits the last dense layer to the moments of what reaches it",
        "optimizer.rates.NAME=X multiplies it for parameters whose name ends so, as bias",
        "model.transform=published, bounded or additive is what couplings do; bounded for a table of one's own",
        "data.noise=X adds Gaussian noise of deviation X to preprocessed training rows; with data.anneal_steps=T it starts at data.start_noise and falls to X in T steps",
        "data.image_side=N resizes the centre square of every picture of a folder to N×N; 0: as they are, all of one size",
        "data.augment=true flips and shifts training images at random"
      })
  private Map<String, String> changes = new LinkedHashMap<>();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of weights, noise, order, generated data and split.")
  private @Nullable String seed;

  @Option(
      names = "--precision",
      paramLabel = "P",
      description =
          "f32, f64, or bf16: f32 with the operands of large products rounded to bfloat16.")
  private @Nullable String precision;

  @Mixin private ColumnOptions columns = new ColumnOptions();
  @Mixin private CsvOptions csv = new CsvOptions();
  @Mixin private DataOptions dataOptions = new DataOptions();

  /** The recipe that is named, or implied by the data, with the changes that were asked for. */
  Recipe recipe() {
    return choose().with(changes());
  }

  private Recipe choose() {
    if (recipeName != null
        && FileFormat.ofOutput(Path.of(recipeName)) != FileFormat.JSON
        && Files.isRegularFile(Path.of(recipeName))) {
      throw usage(
          recipeName
              + " is a file, expected a recipe's name or a .json; a table is named by --data "
              + recipeName);
    }
    if (recipeName != null || data == null) {
      Recipe recipe = Recipe.namedOrFile(recipeName == null ? QUICKSTART : recipeName);
      if (loss != null || model != null || (data != null && !recipe.data().isEmpty())) {
        throw usage(
            "--data, --loss and --model go with no recipe"
                + (recipeName == null ? " but with --data" : "")
                + ": name the recipe DATA-MODEL-LOSS, or change "
                + recipe.name()
                + " by --set data.name=…, objective.loss=… or model.type=…");
      }
      if (data == null && recipe.data().isEmpty()) {
        throw usage("recipe " + recipe.name() + " has no data of its own, expected --data FILE");
      }
      return data == null ? recipe : recipe.set("data.name", DataOptions.absolute(data));
    }
    requireOneOf("--loss", loss, LOSSES);
    requireOneOf("--model", model, MODELS);
    if (!dataOptions.sources("").has(data)) {
      dataOptions.requireThere(data);
      if (RecipeChoice.needsImages(model) && !DataOptions.areImages(data)) {
        throw usage("--model " + model + " needs a data set of images, found the table " + data);
      }
    }
    return sizeDecides()
        ? tableDefault().recipe()
        : dataOptions.recipe(data, model, loss, spec.commandLine().getErr());
  }

  /** A table of the user's own, for which neither model nor loss was asked for. */
  private boolean sizeDecides() {
    return recipeName == null
        && data != null
        && model == null
        && loss == null
        && !dataOptions.sources("").has(data)
        && !DataOptions.arePictures(data);
  }

  /**
   * The recipe for so many columns: where a table's model and loss were left open, exact likelihood
   * if they are few enough, score matching if they are not.
   */
  Recipe bySize(Recipe recipe, int columns) {
    return sizeDecides() ? tableDefault().recipe(columns, spec.commandLine().getErr()) : recipe;
  }

  private TableDefault tableDefault() {
    return new TableDefault(Objects.requireNonNull(data), changes());
  }

  private void requireOneOf(String option, @Nullable String value, List<String> choices) {
    if (value != null && !choices.contains(value)) {
      throw usage(
          option + " " + value + ": no such choice, expected one of " + String.join(", ", choices));
    }
  }

  /** What is changed in the recipe, by dotted key. */
  private Map<String, String> changes() {
    Map<String, String> all = new LinkedHashMap<>(changes);
    if (epochs != null) {
      all.put("training.epochs", epochs);
      all.put("training.steps", "0");
      all.putIfAbsent("training.min_steps", "0");
    }
    putSteps(all, steps);
    put(all, "training.batch_size", batchSize);
    put(all, "optimizer.lr", learningRate);
    put(all, "training.map", noMap ? "false" : null);
    put(all, "data.drop_nonfinite", dropNonFinite ? "true" : null);
    put(all, "data.drop_constant", dropConstant ? "true" : null);
    all.putAll(columns.recipe());
    all.putAll(csv.recipe());
    put(all, "data.split", split == null ? null : Arrays.toString(split));
    put(all, "data.validation", validation == null ? null : DataOptions.absolute(validation));
    put(all, "data.test", test == null ? null : DataOptions.absolute(test));
    put(all, "training.seed", seed);
    put(all, "data.folder", dataOptions.named());
    put(all, "training.precision", precision);
    return all;
  }

  /** Puts so many steps for the recipe's epochs, unless epochs are asked for too; or nothing. */
  static void putSteps(Map<String, String> all, @Nullable String steps) {
    if (steps != null) {
      all.put("training.steps", steps);
      all.putIfAbsent("training.epochs", "0");
    }
  }

  /** Puts a value that was given, or nothing. */
  static void put(Map<String, String> all, String key, @Nullable String value) {
    if (value != null) {
      all.put(key, value);
    }
  }

  /** A run's recipe with the length that was asked for, on data where they lie now. */
  Recipe resumed(Recipe recipe) {
    requireOwnFile("--validation", validation, recipe.validationFile());
    requireOwnFile("--test", test, recipe.testFile());
    Recipe moved = recipe;
    if (data != null) {
      moved =
          dataOptions.sources("").has(data)
              ? recipe.set("data.name", data)
              : dataOptions.moved(recipe, data);
    }
    return moved.with(changes());
  }

  private void requireOwnFile(String option, @Nullable String given, String ofRun) {
    if (given != null && ofRun.isEmpty()) {
      throw usage(option + " " + given + ": expected none, as the run has split its data itself");
    }
  }

  /** Whether anything but the length of a run and the place of its data was asked for. */
  boolean chooseMoreThanLength() {
    return recipeName != null
        || loss != null
        || model != null
        || noMap
        || precision != null
        || seed != null
        || split != null
        || batchSize != null
        || learningRate != null
        || dropNonFinite
        || dropConstant
        || columns.given()
        || !changes.isEmpty();
  }

  /** Its data, from where they lie now, unless the memory is too small to train on such rows. */
  Splits load(Recipe recipe) {
    DataSources sources = dataOptions.sources(recipe.dataFolder());
    recipe.leastShape(sources).ifPresent(shape -> recipe.requireMemory(shape, 0));
    return recipe.load(sources);
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
