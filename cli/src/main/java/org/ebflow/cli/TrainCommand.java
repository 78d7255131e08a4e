package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.ebflow.cli.plot.PlotListener;
import org.ebflow.flow.io.OneLine;
import org.ebflow.linalg.Blas;
import org.ebflow.training.RunFolder;
import org.ebflow.training.Trainer;
import org.ebflow.training.TrainingInterruptedException;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code ebflow train}: trains by a recipe and leaves a run folder. */
@Command(
    name = "train",
    description = {
      "Trains by a recipe and leaves a run folder: weights, metrics, plots, all state to go on.",
      "Without an argument: recipe quickstart, two-dimensional data in under a minute, ending with a picture of the density.",
      "With --data and no recipe: the recipe DATA-MODEL-LOSS of that data set, or of one's own table."
    })
public final class TrainCommand implements Callable<Integer> {
  private static final String QUICKSTART = "quickstart";
  private static final String PATCHES = "patches";
  private static final String SPLINE = "spline";

  /** Models whose loss is ml unless another is asked for. */
  private static final Set<String> EXACT = Set.of(PATCHES, SPLINE);

  /** An LU of so many columns takes about as long as a step's products. */
  private static final int MOST_COLUMNS_FOR_ML = 256;

  private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");
  private static final JsonMapper JSON = new JsonMapper();

  @Spec private CommandSpec spec;

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
      description = "A data set by name, or a table: .csv or .npy.")
  private @Nullable String data;

  @Option(
      names = "--columns",
      paramLabel = "NAME,…",
      description = "Columns of the table; a name with a comma in double quotes. Default: all.")
  private List<String> columns = List.of();

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
          "With --data: ml, sml, ssm, dsm or fdssm. Default: ssm; ml with model spline or patches.")
  private @Nullable String loss;

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description =
          "With --data: fc, coupling, spline, or patches for images. Default: the data set's; for tables spline, by ml up to 256 columns.")
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
        "optimizer.rates.NAME=X multiplies it for parameters of that name, as bias",
        "data.noise=X adds Gaussian noise of deviation X to preprocessed training rows"
      })
  private Map<String, String> changes = new LinkedHashMap<>();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of weights, noise, order, generated data and split.")
  private @Nullable String seed;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description =
          "N runs with seeds from --seed on, one after the other, each with a split of its own, in seed-… of the run folder; then mean and deviation of their test NLL.")
  private @Nullable Integer seeds;

  @Option(
      names = "--precision",
      paramLabel = "P",
      description = "f32, f64, or bf16: f32 with products of factors rounded to bfloat16.")
  private @Nullable String precision;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Run folder, new. Default: runs/NAME-TIME.")
  private @Nullable Path out;

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description =
          "Go on with a run, or with those of --seeds, from the last checkpoint; with --epochs or --steps, up to that many in all.")
  private @Nullable Path resume;

  /** Neither model nor loss was asked for. */
  private boolean sizeDecides;

  @Mixin private CsvOptions csv = new CsvOptions();
  @Mixin private DataOptions dataOptions = new DataOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Override
  public Integer call() {
    if (resume != null) {
      return resume(resume);
    }
    if (seeds != null && seeds < 2) {
      throw usage("--seeds is " + seeds + ", expected at least 2");
    }
    Recipe recipe = withOptions(choose());
    if (out != null) {
      new RunFolder(out).requireNew();
      SeedRuns.requireNone(out);
    }
    Splits splits = load(recipe);
    if (sizeDecides) {
      recipe = bySize(recipe, splits.train().dimension());
    }
    if (seeds != null) {
      return train(SeedRuns.of(out == null ? claim(recipe.name()) : out, recipe, seeds));
    }
    Trained trained = train(recipe, splits, out, false, () -> {});
    trained.print(spec.commandLine().getOut());
    if (trained.outcome().stillImproving()) {
      advise("still improving at the last step", trained.run(), trained.longer());
    }
    return 0;
  }

  private Splits load(Recipe recipe) {
    return recipe.load(dataOptions.sources(recipe.dataFolder()));
  }

  private static Path claim(String recipe) {
    String time = LocalDateTime.now(ZoneId.systemDefault()).format(TIMESTAMP);
    return RunFolder.claim(Path.of("runs", recipe + "-" + time));
  }

  /** The recipe that is named, or implied by the data. */
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
      return data == null ? recipe : recipe.set("data.name", absolute(data));
    }
    requireBuilt("--loss", loss, List.of("ssm", "dsm", "fdssm", "ml", "sml"), List.of("rg", "snf"));
    requireBuilt(
        "--model", model, List.of("fc", "coupling", SPLINE, PATCHES), List.of("cnn", "glow"));
    String chosenLoss = loss != null ? loss : model != null && EXACT.contains(model) ? "ml" : "ssm";
    if (dataOptions.sources("").has(data)) {
      return Recipe.named(data + "-" + (model == null ? modelOf(data) : model) + "-" + chosenLoss);
    }
    if (!Files.exists(Path.of(data))) {
      dataOptions.sources("").load(data, 0); // says what is there
    }
    if (PATCHES.equals(model)) {
      throw usage("--model patches needs a data set of images, found the table " + data);
    }
    sizeDecides = model == null && loss == null;
    return table(
        sizeDecides ? SPLINE : model == null ? "fc" : model, sizeDecides ? "ml" : chosenLoss);
  }

  private Recipe table(String chosenModel, String chosenLoss) {
    return Recipe.named("table-" + chosenModel + "-" + chosenLoss)
        .set("data.name", absolute(Objects.requireNonNull(data)));
  }

  /** Exact likelihood where the columns are few enough, score matching where they are not. */
  private Recipe bySize(Recipe recipe, int columns) {
    boolean exact = columns <= MOST_COLUMNS_FOR_ML;
    spec.commandLine()
        .getErr()
        .printf(
            Locale.ROOT,
            exact
                ? "trained by exact likelihood: with %,d columns a log-determinant costs little%n"
                : "trained by score matching: with %,d columns a log-determinant in every step costs much%n",
            columns);
    return exact ? recipe : withOptions(table(SPLINE, "ssm"));
  }

  private void requireBuilt(
      String option, @Nullable String value, List<String> built, List<String> later) {
    if (value != null && !built.contains(value)) {
      throw usage(
          option
              + " "
              + value
              + (later.contains(value) ? " is not built yet" : ": no such choice")
              + ", expected one of "
              + String.join(", ", built));
    }
  }

  private static String modelOf(String name) {
    return Recipe.names().stream()
        .filter(recipe -> recipe.startsWith(name + "-"))
        .map(recipe -> recipe.substring(name.length() + 1, recipe.lastIndexOf('-')))
        .findFirst()
        .orElse("fc");
  }

  private static String absolute(String file) {
    return Path.of(file).toAbsolutePath().normalize().toString();
  }

  private Recipe withOptions(Recipe recipe) {
    Map<String, String> all = new LinkedHashMap<>(changes);
    if (epochs != null) {
      all.put("training.epochs", epochs);
      all.put("training.steps", "0");
      all.putIfAbsent("training.min_steps", "0");
    }
    if (steps != null) {
      all.put("training.steps", steps);
      all.putIfAbsent("training.epochs", "0");
    }
    put(all, "training.batch_size", batchSize);
    put(all, "optimizer.lr", learningRate);
    put(all, "training.map", noMap ? "false" : null);
    put(all, "data.drop_nonfinite", dropNonFinite ? "true" : null);
    put(all, "data.drop_constant", dropConstant ? "true" : null);
    put(
        all,
        "data.columns",
        columns.isEmpty() ? null : JSON.writeValueAsString(CsvOptions.names(columns)));
    all.putAll(csv.recipe());
    put(all, "data.split", split == null ? null : Arrays.toString(split));
    put(all, "data.validation", validation == null ? null : absolute(validation));
    put(all, "data.test", test == null ? null : absolute(test));
    put(all, "training.seed", seed);
    put(all, "data.folder", dataOptions.named());
    put(all, "training.precision", precision);
    return all.isEmpty() ? recipe : recipe.with(all);
  }

  private static void put(Map<String, String> all, String key, @Nullable String value) {
    if (value != null) {
      all.put(key, value);
    }
  }

  private int resume(Path run) {
    if (recipeName != null
        || out != null
        || loss != null
        || model != null
        || noMap
        || precision != null
        || seed != null
        || seeds != null
        || split != null
        || batchSize != null
        || learningRate != null
        || dropNonFinite
        || dropConstant
        || !columns.isEmpty()
        || !changes.isEmpty()) {
      throw usage(
          "--resume goes on with the recipe of the run, expected no other choice but its length (--epochs or --steps)");
    }
    if (SeedRuns.isIn(run)) {
      SeedRuns runs = SeedRuns.open(run);
      Recipe recipe = resumed(runs.recipe());
      if (!recipe.toMap().equals(runs.recipe().toMap())) {
        runs = runs.with(recipe);
        runs.begin();
      }
      return train(runs);
    }
    new RunFolder(run).requireBegun();
    Recipe recipe = resumed(Recipe.ofRun(run));
    Trained trained = train(recipe, load(recipe), run, true, () -> {});
    trained.print(spec.commandLine().getOut());
    if (trained.outcome().stillImproving()) {
      advise("still improving at the last step", run, trained.longer());
    }
    return 0;
  }

  /** A run's recipe with the length that was asked for, on data where they lie now. */
  private Recipe resumed(Recipe recipe) {
    requireOwnFile("--validation", validation, recipe.validationFile());
    requireOwnFile("--test", test, recipe.testFile());
    Recipe moved = recipe;
    if (data != null) {
      moved =
          dataOptions.sources("").has(data)
              ? recipe.set("data.name", data)
              : dataOptions.moved(recipe, data);
    }
    return withOptions(moved);
  }

  private void requireOwnFile(String option, @Nullable String given, String ofRun) {
    if (given != null && ofRun.isEmpty()) {
      throw usage(option + " " + given + ": expected none, as the run has split its data itself");
    }
  }

  /** Runs the seeds that are not done. */
  private int train(SeedRuns runs) {
    PrintWriter stdout = spec.commandLine().getOut();
    List<String> improving = new ArrayList<>();
    String longer = "";
    for (long each : runs.seeds()) {
      if (!runs.isDone(each)) {
        Path run = runs.run(each);
        boolean begun = SeedRuns.isIn(runs.folder());
        Trained trained;
        try {
          Recipe recipe = runs.recipe(each);
          trained =
              train(
                  recipe,
                  load(recipe),
                  run,
                  begun && Files.exists(new RunFolder(run).state()),
                  begun ? () -> {} : runs::begin);
        } catch (TrainingInterruptedException e) {
          advise("stopped at seed " + each, runs.folder(), "");
          throw e;
        }
        runs.done(each, trained.test().nll());
        if (trained.outcome().stillImproving()) {
          improving.add(Long.toString(each));
          longer = trained.longer();
        }
      }
      stdout.println(runs.line(each));
    }
    stdout.println(runs.summary());
    if (!improving.isEmpty()) {
      advise(
          "still improving at the last step with seed " + String.join(", ", improving),
          runs.folder(),
          longer);
    }
    return 0;
  }

  private void advise(String why, Path run, String options) {
    spec.commandLine()
        .getErr()
        .println(OneLine.name(why + ": go on with `ebflow train --resume " + run + options + "`"));
  }

  /** A run that is complete, evaluated on its test part. */
  private record Trained(
      Path run, TrainingListener.Outcome outcome, Evaluation test, String longer) {
    void print(PrintWriter stdout) {
      stdout.println(EvaluationReport.text(test, "test"));
      stdout.println(OneLine.name("weights " + new RunFolder(run).model()));
      Stream.of("density.png", "samples.png")
          .map(name -> run.resolve("plots").resolve(name))
          .filter(Files::exists)
          .forEach(picture -> stdout.println(OneLine.name("picture " + picture)));
    }
  }

  /**
   * @param chosen the run's folder, or null for a new one below runs/
   * @param begun is run once the run has begun
   */
  private Trained train(
      Recipe recipe, Splits splits, @Nullable Path chosen, boolean resumed, Runnable begun) {
    PrintWriter err = spec.commandLine().getErr();
    Blas blas = recipe.bfloat16() ? compute.bfloat16Blas() : compute.blas();
    TrainProgress progress = new TrainProgress(err, Terminal.ofStderr());
    Trainer trainer = recipe.trainer(splits.train()).threads(compute.threads()).blas(blas);
    Path run = chosen == null ? claim(recipe.name()) : chosen;
    RunCourse course =
        new RunCourse(
            (resumed ? "resuming " : "training ") + recipe.name() + " on " + splits.train(),
            err,
            begun);
    trainer.listener(
        new Listeners(
            List.of(
                course,
                new EvaluationThrottle(
                    new Listeners(
                        List.of(
                            progress,
                            new PlotListener(run, splits.train(), blas, compute.threads())))))));
    TrainedFlow best;
    StopSignals signals = new StopSignals(trainer::requestStop, err);
    try (progress) {
      best = resumed ? trainer.resume(splits, run) : trainer.fit(splits, run);
    } finally {
      signals.restore();
    }
    try (Scorer scorer = new Scorer(best, blas, compute.threads())) {
      return new Trained(
          run, course.outcome(), scorer.evaluate(splits.test()), course.longer(recipe.byEpochs()));
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
