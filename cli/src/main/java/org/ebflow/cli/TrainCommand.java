package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.ebflow.cli.plot.PlotListener;
import org.ebflow.flow.io.OneLine;
import org.ebflow.linalg.Blas;
import org.ebflow.training.Baselines;
import org.ebflow.training.RunFolder;
import org.ebflow.training.Trainer;
import org.ebflow.training.TrainingInterruptedException;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ebflow train}: trains by a recipe and leaves a run folder. */
@Command(
    name = "train",
    description = {
      "Trains by a recipe and leaves a run folder: weights, metrics, plots, all state to go on.",
      "Without an argument: recipe quickstart, two-dimensional data in under a minute, ending with a picture of the density.",
      "With --data and no recipe: the recipe DATA-MODEL-LOSS of that data set, or of one's own table."
    })
public final class TrainCommand implements Callable<Integer> {
  private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");
  @Spec private CommandSpec spec;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description =
          "N runs with seeds from --seed on, one after the other, each with a split of its own, in seed-… of the run folder; then mean and deviation of their test NLL.")
  private @Nullable Integer seeds;

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

  @Mixin private RecipeOptions options = new RecipeOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Override
  public Integer call() {
    if (resume != null) {
      return resume(resume);
    }
    if (seeds != null && seeds < 2) {
      throw usage("--seeds is " + seeds + ", expected at least 2");
    }
    Recipe recipe = options.recipe();
    if (out != null) {
      new RunFolder(out).requireNew();
      SeedRuns.requireNone(out);
    }
    Splits splits = options.load(recipe);
    recipe = options.bySize(recipe, splits.train().dimension());
    if (seeds != null) {
      return train(SeedRuns.of(out == null ? claim(recipe.name()) : out, recipe, seeds));
    }
    Trained trained = train(recipe, splits, out, false, () -> {});
    print(trained);
    return 0;
  }

  private static Path claim(String recipe) {
    String time = LocalDateTime.now(ZoneId.systemDefault()).format(TIMESTAMP);
    return RunFolder.claim(Path.of("runs", recipe + "-" + time));
  }

  private int resume(Path run) {
    if (out != null || seeds != null || options.chooseMoreThanLength()) {
      throw usage(
          "--resume goes on with the recipe of the run, expected no other choice but its length (--epochs or --steps)");
    }
    if (SeedRuns.isIn(run)) {
      SeedRuns runs = SeedRuns.open(run);
      Recipe recipe = options.resumed(runs.recipe());
      if (!recipe.toMap().equals(runs.recipe().toMap())) {
        runs = runs.with(recipe);
        runs.begin();
      }
      return train(runs);
    }
    new RunFolder(run).requireBegun();
    Recipe recipe = options.resumed(Recipe.ofRun(run));
    Trained trained = train(recipe, options.load(recipe), run, true, () -> {});
    print(trained);
    return 0;
  }

  private void print(Trained trained) {
    trained.print(spec.commandLine().getOut());
    if (trained.outcome().stillImproving()) {
      advise("still improving at the last step", trained.run(), trained.longer());
    }
    trained.advice().ifPresent(spec.commandLine().getErr()::println);
  }

  /** Runs the seeds that are not done. */
  private int train(SeedRuns runs) {
    PrintWriter stdout = spec.commandLine().getOut();
    List<String> improving = new ArrayList<>();
    List<String> losing = new ArrayList<>();
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
                  options.load(recipe),
                  run,
                  begun && Files.exists(new RunFolder(run).state()),
                  begun ? () -> {} : runs::begin);
        } catch (TrainingInterruptedException e) {
          advise("stopped at seed " + each, runs.folder(), "");
          throw e;
        }
        runs.done(
            each, trained.report().model().nll(), trained.outcome().stillImproving() ? trained.longer() : "");
        trained.advice().ifPresent(advice -> losing.add("seed " + each + ": " + advice));
      }
      if (!runs.longer(each).isEmpty()) {
        improving.add(Long.toString(each));
        longer = runs.longer(each);
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
    losing.forEach(spec.commandLine().getErr()::println);
    return 0;
  }

  private void advise(String why, Path run, String options) {
    spec.commandLine()
        .getErr()
        .println(OneLine.name(why + ": go on with `ebflow train --resume " + run + options + "`"));
  }

  /** A run that is complete, evaluated on its test part. */
  private record Trained(
      Path run,
      TrainingListener.Outcome outcome,
      BaselineReport report,
      String longer,
      Optional<String> advice) {
    void print(PrintWriter stdout) {
      stdout.println(EvaluationReport.text(report.model(), "test"));
      report.text().ifPresent(stdout::println);
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
    OutcomeListener listener =
        new OutcomeListener(
            (resumed ? "resuming " : "training ") + recipe.name() + " on " + splits.train(),
            err,
            begun);
    trainer.listener(
        new Listeners(
            List.of(
                listener,
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
      BaselineReport report =
          new BaselineReport(
              scorer.evaluate(splits.test()),
              Baselines.load(run, splits.test().dimension())
                  .evaluate(splits.test(), blas, compute.threads()));
      return new Trained(
          run,
          listener.outcome(),
          report,
          listener.longer(recipe.byEpochs()),
          report.advice(Optional.of(recipe), splits.train().imageShape() == null));
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
