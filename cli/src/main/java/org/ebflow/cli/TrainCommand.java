package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.RunFolder;
import org.ebflow.training.TrainingInterruptedException;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
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
    training().requirePrecision(recipe, false);
    Splits splits = options.load(recipe);
    recipe = options.bySize(recipe, splits.train().dimension());
    try (NewRun run = new NewRun(out, recipe.name())) {
      if (seeds != null) {
        return train(SeedRuns.of(run.folder(), recipe, seeds));
      }
      print(training().train(recipe, splits, run::folder, false, () -> {}));
    }
    return 0;
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
    training().requirePrecision(recipe, true);
    print(training().train(recipe, options.load(recipe), () -> run, true, () -> {}));
    return 0;
  }

  private void print(TrainedRun trained) {
    trained.print(spec.commandLine().getOut());
    if (!trained.longer().isEmpty()) {
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
      try {
        training()
            .train(runs, each, options::load)
            .flatMap(TrainedRun::advice)
            .ifPresent(advice -> losing.add("seed " + each + ": " + advice));
      } catch (TrainingInterruptedException e) {
        advise("stopped at seed " + each, runs.folder(), "");
        throw e;
      }
      if (!runs.result(each).longer().isEmpty()) {
        improving.add(Long.toString(each));
        longer = runs.result(each).longer();
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

  private RecipeTraining training() {
    return new RecipeTraining(compute, spec.commandLine().getErr(), true);
  }

  private void advise(String why, Path run, String options) {
    spec.commandLine()
        .getErr()
        .println(OneLine.name(why + ": go on with `ebflow train --resume " + run + options + "`"));
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
