package org.ebflow.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.function.Function;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.TrainingDivergedException;
import org.ebflow.training.TrainingInterruptedException;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;

/**
 * Runs of several recipes with several seeds. Each recipe's lie in a folder of its own, see {@link
 * SeedRuns}; those that are done are not repeated.
 */
final class Study implements AutoCloseable {
  private final NewRun place;
  private final Path folder;
  private final int seeds;
  private final RecipeTraining training;
  private final Function<Recipe, Splits> data;
  private final SequencedMap<String, SeedRuns> all = new LinkedHashMap<>();

  /**
   * A study with no runs.
   *
   * @param place of the study
   * @param seeds runs of each recipe
   * @param data loads the data of a recipe
   */
  Study(NewRun place, int seeds, RecipeTraining training, Function<Recipe, Splits> data) {
    this.place = place;
    this.folder = place.folder();
    this.seeds = seeds;
    this.training = training;
    this.data = data;
  }

  /** The study's folder. */
  Path folder() {
    return folder;
  }

  /**
   * Adds runs of a recipe, as far as they have come.
   *
   * @param name of their folder below the study's
   */
  SeedRuns add(String name, Recipe recipe) {
    SeedRuns runs = SeedRuns.in(folder.resolve(name), recipe, seeds);
    all.put(name, runs);
    return runs;
  }

  /**
   * Runs what is not done.
   *
   * @throws TrainingInterruptedException on Ctrl-C, with the state of the run saved
   */
  void run() {
    int count = all.values().stream().mapToInt(runs -> runs.seeds().size()).sum();
    long done =
        all.values().stream()
            .mapToLong(runs -> runs.seeds().stream().filter(runs::isDone).count())
            .sum();
    say(
        String.format(
            Locale.ROOT,
            "%,d runs, %,d recipes with %d seeds each%s, into %s",
            count,
            all.size(),
            seeds,
            done == 0 ? "" : String.format(Locale.ROOT, ", %,d done before", done),
            folder));
    int number = 0;
    for (var entry : all.entrySet()) {
      for (long seed : entry.getValue().seeds()) {
        number++;
        if (!entry.getValue().isDone(seed)) {
          say("run " + number + " of " + count + ": " + entry.getKey() + ", seed " + seed);
          train(entry.getValue(), seed);
        }
      }
    }
  }

  private void train(SeedRuns runs, long seed) {
    try {
      training.train(runs, seed, data);
    } catch (TrainingDivergedException e) { // a result too
      training.err().println(OneLine.message(e));
      runs.done(seed, SeedResult.DIVERGED);
    } catch (TrainingInterruptedException e) {
      say("go on with the same command and --out " + folder);
      throw e;
    }
  }

  @Override
  public void close() {
    place.close();
  }

  private void say(String line) {
    training.err().println(OneLine.name(line));
  }
}
