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
import java.util.stream.LongStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.AtomicFiles;
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

  /** Test NLL in nats by seed, null where the seed is not done. */
  private final SequencedMap<Long, @Nullable Double> testNll;

  private SeedRuns(Path folder, Recipe recipe, SequencedMap<Long, @Nullable Double> testNll) {
    this.folder = folder;
    this.recipe = recipe;
    this.testNll = testNll;
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
    SequencedMap<Long, @Nullable Double> none = new LinkedHashMap<>();
    LongStream.range(0, count).forEach(i -> none.put(recipe.seed() + i, null));
    return new SeedRuns(folder, recipe, none);
  }

  /** The runs of a folder, as far as they have come. */
  static SeedRuns open(Path folder) {
    Path file = folder.resolve(SEEDS);
    SequencedMap<Long, @Nullable Double> testNll = new LinkedHashMap<>();
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
        JsonNode nll = entry.path("test_nll");
        testNll.put(
            entry.path("seed").longValue(),
            nll.isMissingNode() ? null : nll.doubleValue(Double.POSITIVE_INFINITY));
      }
    } catch (IOException | JacksonException e) {
      throw new InvalidInputException(
          file + ": expected JSON, found something else (" + e.getClass().getSimpleName() + ")", e);
    }
    return new SeedRuns(folder, Recipe.ofFile(folder.resolve(RECIPE)), testNll);
  }

  /** The same runs of another recipe, none of them done. */
  SeedRuns with(Recipe changed) {
    SequencedMap<Long, @Nullable Double> none = new LinkedHashMap<>();
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
    testNll.forEach(
        (seed, nll) -> {
          Map<String, @Nullable Object> entry = new LinkedHashMap<>();
          entry.put("seed", seed);
          if (nll != null) {
            entry.put("test_nll", Double.isFinite(nll) ? nll : null); // JSON has no infinity
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
    return List.copyOf(testNll.keySet());
  }

  /** Run folder of a seed. */
  Path run(long seed) {
    return folder.resolve("seed-" + seed);
  }

  /** Whether the run of that seed is done. */
  boolean isDone(long seed) {
    return testNll.get(seed) != null;
  }

  /** Says that the run of that seed is done. */
  void done(long seed, double nll) {
    testNll.put(seed, nll);
    write();
  }

  /** What came of a seed that is done, in one line. */
  String line(long seed) {
    return String.format(
        Locale.ROOT, "seed %d: test NLL %.4f nats, run %s", seed, nll(seed), run(seed));
  }

  /** Mean and sample deviation of the test NLL when all seeds are done, in one line. */
  String summary() {
    RunningMoments moments = new RunningMoments(1);
    seeds().forEach(seed -> moments.add(new double[] {nll(seed)}));
    return String.format(
        Locale.ROOT,
        "test NLL %.4f ± %.4f nats (mean ± deviation, n = %d)",
        moments.means()[0],
        moments.sampleDeviations()[0],
        moments.rows());
  }

  private double nll(long seed) {
    return Objects.requireNonNull(testNll.get(seed), "the run of this seed is not done");
  }
}
