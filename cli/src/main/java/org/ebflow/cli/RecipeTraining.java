package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.ebflow.cli.plot.PlotListener;
import org.ebflow.linalg.Blas;
import org.ebflow.training.RunFolder;
import org.ebflow.training.Trainer;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;

/**
 * Trains by recipes, one run after the other, with progress on stderr; Ctrl-C saves and stops.
 *
 * @param compute threads and matrix products
 * @param err where progress goes
 * @param pictures whether runs draw pictures
 */
record RecipeTraining(ComputeOptions compute, PrintWriter err, boolean pictures) {
  /**
   * Trains and evaluates on the test part.
   *
   * @param folder of the run; asked for when the recipe is known to be possible
   * @param resumed whether the run goes on from its last checkpoint
   * @param begun is run once the run has begun
   */
  TrainedRun train(
      Recipe recipe, Splits splits, Supplier<Path> folder, boolean resumed, Runnable begun) {
    Blas blas = recipe.bfloat16() ? compute.bfloat16Blas(resumed) : compute.blas();
    TrainProgress progress = new TrainProgress(err, Terminal.ofStderr());
    Trainer trainer = recipe.trainer(splits.train()).threads(compute.threads()).blas(blas);
    Path run = folder.get();
    OutcomeListener listener =
        new OutcomeListener(
            (resumed ? "resuming " : "training ") + recipe.name() + " on " + splits.train(),
            err,
            begun);
    List<TrainingListener> shows = new ArrayList<>(List.of(progress));
    if (pictures) {
      shows.add(new PlotListener(run, splits.train(), blas, compute.threads()));
    }
    trainer.listener(
        new Listeners(List.of(listener, new EvaluationThrottle(new Listeners(shows)))));
    TrainedFlow best;
    StopSignals signals = new StopSignals("step", trainer::requestStop, err);
    try (progress) {
      best = resumed ? trainer.resume(splits, run) : trainer.fit(splits, run);
    } finally {
      signals.restore();
    }
    try (Scorer scorer = new Scorer(best, blas, compute.threads())) {
      BaselineReport report =
          BaselineReport.of(scorer, run, splits.test(), blas, compute.threads());
      return new TrainedRun(
          run,
          listener.outcome(),
          report,
          listener.outcome().stillImproving() ? listener.longer(recipe.byEpochs()) : "",
          report.advice(Optional.of(recipe), splits.train().imageShape() == null));
    }
  }

  /**
   * Refuses a recipe's precision that is not to be had here, before its data are loaded.
   *
   * @throws org.ebflow.flow.InvalidInputException with the way out
   */
  void requirePrecision(Recipe recipe, boolean resumed) {
    if (recipe.bfloat16()) {
      compute.bfloat16Blas(resumed);
    }
  }

  /**
   * Trains with one of several seeds, unless that is done.
   *
   * @param data loads the data of a recipe
   * @return what came of it; empty if it was done before
   */
  Optional<TrainedRun> train(SeedRuns runs, long seed, Function<Recipe, Splits> data) {
    if (runs.isDone(seed)) {
      return Optional.empty();
    }
    Path run = runs.run(seed);
    Recipe recipe = runs.recipe(seed);
    boolean begun = SeedRuns.isIn(runs.folder());
    TrainedRun trained =
        train(
            recipe,
            data.apply(recipe),
            () -> run,
            begun && Files.exists(new RunFolder(run).state()),
            begun ? () -> {} : runs::begin);
    runs.done(seed, SeedResult.of(trained));
    return Optional.of(trained);
  }
}
