package org.ebflow.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;
import org.ebflow.cli.plot.Metrics;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.AtomicFiles;
import org.ebflow.training.RunFolder;
import org.ebflow.training.data.RunningMoments;
import org.ebflow.training.recipe.Recipe;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs of one recipe with several seeds: a folder with recipe.json, a run folder seed-N for each
 * seed, and seeds.json, which has the test NLL of the seeds that are done.
 */
final class SeedRuns {
  private static final String RECIPE = "recipe.json";
  private static final String SEEDS = "seeds.json";
  private static final String FORMAT = "ebflow-seeds-1";
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final Path folder;
  private final Recipe recipe;

  /** What came of each seed, null where it is not done. */
  private final SequencedMap<Long, @Nullable SeedResult> done;

  private SeedRuns(Path folder, Recipe recipe, SequencedMap<Long, @Nullable SeedResult> done) {
    this.folder = folder;
    this.recipe = recipe;
    this.done = done;
  }

  /** Whether the folder is one of runs with several seeds. */
  static boolean isIn(Path folder) {
    return Files.exists(folder.resolve(SEEDS));
  }

  /**
   * Refuses a folder of runs with several seeds.
   *
   * @throws InvalidInputException with the way out
   */
  static void requireNone(Path folder) {
    if (isIn(folder)) {
      throw new InvalidInputException(
          folder
              + ": holds runs with several seeds already, expected a new folder (go on with them by --resume "
              + folder
              + ")");
    }
  }

  /** Runs with so many seeds, from the recipe's on; nothing is written before {@link #begin}. */
  static SeedRuns of(Path folder, Recipe recipe, int count) {
    SequencedMap<Long, @Nullable SeedResult> none = new LinkedHashMap<>();
    LongStream.range(0, count).forEach(i -> none.put(recipe.seed() + i, null));
    return new SeedRuns(folder, recipe, none);
  }

  /** The runs of a folder, as far as they have come. */
  static SeedRuns open(Path folder) {
    Path file = folder.resolve(SEEDS);
    SequencedMap<Long, @Nullable SeedResult> done = new LinkedHashMap<>();
    try {
      JsonNode root = JSON.readTree(Files.readString(file));
      if (!root.path("format").asString("").equals(FORMAT) || root.path("seeds").isEmpty()) {
        throw new InvalidInputException(
            file
                + ": expected the seeds of several runs (format "
                + FORMAT
                + "), found another file");
      }
      for (JsonNode entry : root.path("seeds")) {
        done.put(entry.path("seed").longValue(), SeedResult.of(entry));
      }
    } catch (IOException | JacksonException e) {
      throw new InvalidInputException(
          file + ": expected JSON, found something else (" + e.getClass().getSimpleName() + ")", e);
    }
    return new SeedRuns(folder, Recipe.ofFile(folder.resolve(RECIPE)), done);
  }

  /**
   * Runs with so many seeds, as far as a folder has come with them; more seeds than it has are
   * added.
   *
   * @throws InvalidInputException if the folder has runs of another recipe
   */
  static SeedRuns in(Path folder, Recipe recipe, int count) {
    SeedRuns runs = of(folder, recipe, count);
    if (!isIn(folder)) {
      return runs;
    }
    SeedRuns before = open(folder);
    if (!before.recipe.toMap().equals(recipe.toMap())) {
      throw new InvalidInputException(
          folder + ": expected runs of the same recipe, found others (take another --out)");
    }
    runs.done.putAll(before.done);
    return runs;
  }

  /** The same runs of another recipe, none of them done. */
  SeedRuns with(Recipe changed) {
    SequencedMap<Long, @Nullable SeedResult> none = new LinkedHashMap<>();
    seeds().forEach(seed -> none.put(seed, null));
    return new SeedRuns(folder, changed, none);
  }

  /** Writes recipe and seeds into the folder, which exists. */
  void begin() {
    write(RECIPE, recipe.toMap());
    write();
  }

  private void write() {
    List<Map<String, @Nullable Object>> entries = new ArrayList<>();
    done.forEach(
        (seed, of) -> {
          Map<String, @Nullable Object> entry = new LinkedHashMap<>();
          entry.put("seed", seed);
          if (of != null) {
            entry.putAll(of.toMap());
          }
          entries.add(entry);
        });
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format", FORMAT);
    root.put("seeds", entries);
    write(SEEDS, root);
  }

  private void write(String name, Map<String, ?> content) {
    AtomicFiles.write(
        folder.resolve(name),
        out ->
            out.write((JSON.writeValueAsString(content) + "\n").getBytes(StandardCharsets.UTF_8)));
  }

  /** The folder. */
  Path folder() {
    return folder;
  }

  /** The recipe with the first seed. */
  Recipe recipe() {
    return recipe;
  }

  /** The recipe with that seed. */
  Recipe recipe(long seed) {
    return recipe.set("training.seed", Long.toString(seed));
  }

  /** All seeds, first to last. */
  List<Long> seeds() {
    return List.copyOf(done.keySet());
  }

  /** Run folder of a seed. */
  Path run(long seed) {
    return folder.resolve("seed-" + seed);
  }

  /** Whether the run of that seed is done. */
  boolean isDone(long seed) {
    return done.get(seed) != null;
  }

  /** Says what came of the run of that seed, which is done. */
  void done(long seed, SeedResult result) {
    done.put(seed, result);
    write();
  }

  /** What came of the run of that seed, which is done. */
  SeedResult result(long seed) {
    return Objects.requireNonNull(done.get(seed), "the run of this seed is not done");
  }

  /** Seconds that the steps and evaluations of that seed took. */
  double seconds(long seed) {
    Metrics.Curve seconds = Metrics.read(new RunFolder(run(seed)).metrics()).curve("wall_s");
    return seconds.isEmpty() ? 0 : seconds.values()[seconds.values().length - 1];
  }

  /** Mean of {@link #seconds} over the seeds. */
  double meanSeconds() {
    return seeds().stream().mapToDouble(this::seconds).average().orElse(0);
  }

  /** What came of a seed that is done, in one line. */
  String line(long seed) {
    return String.format(
        Locale.ROOT,
        "seed %d: test NLL %.4f nats, run %s",
        seed,
        result(seed).testNll(),
        run(seed));
  }

  /** Mean and sample deviation of the test NLL when all seeds are done, in one line. */
  String summary() {
    RunningMoments moments = moments(SeedResult::testNll);
    return String.format(
        Locale.ROOT,
        "test NLL %.4f ± %.4f nats (mean ± deviation, n = %d)",
        moments.means()[0],
        moments.sampleDeviations()[0],
        moments.rows());
  }

  /** Moments of one number of every seed, when all are done. */
  RunningMoments moments(ToDoubleFunction<SeedResult> number) {
    RunningMoments moments = new RunningMoments(1);
    seeds().forEach(seed -> moments.add(new double[] {number.applyAsDouble(result(seed))}));
    return moments;
  }
}
