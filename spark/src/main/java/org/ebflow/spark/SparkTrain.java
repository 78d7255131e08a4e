package org.ebflow.spark;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import scala.reflect.ClassTag$;

/** Data-parallel training by a recipe, as a program for spark-submit. */
@Command(
    name = "spark-submit … --class org.ebflow.spark.SparkTrain ebflow-spark.jar",
    description = {
      "Trains by a recipe on several executors at once and leaves the run folder that ebflow train leaves.",
      "Each replica computes its share of every batch, with spark.task.cpus threads, and gradients are summed in every step: the run is that of one process, up to "
          + "rounding. The same call goes on from the last checkpoint."
    })
public final class SparkTrain extends SparkProgram {
  @Parameters(index = "0", paramLabel = "RECIPE", description = "Recipe or CONFIG.json.")
  private String recipe;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Run folder, in a file system that the driver and all executors mount.")
  private Path out;

  @Option(
      names = "--replicas",
      required = true,
      paramLabel = "N",
      description = "Tasks that train at once; the cluster must have as many free slots.")
  private int replicas;

  @Option(
      names = "--average-every",
      paramLabel = "N",
      description =
          "Replicas move their own weights and average them every N steps: less to send, not the run of one process. Default: 0, gradients are summed.")
  private int averageEvery;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Another value of the recipe, as of ebflow train.")
  private List<String> changes = List.of();

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Folder of the data sets, mounted likewise. Default: each executor downloads.")
  private @Nullable Path data;

  /** Runs the program; a failure ends the JVM with its exit code. */
  public static void main(String[] args) {
    new SparkTrain().runAndExit(args);
  }

  @Override
  public Integer call() {
    requireAtLeast(1, "--replicas", replicas);
    requireAtLeast(0, "--average-every", averageEvery);
    Recipe changed = changed(); // before the cluster is asked
    ReplicaTraining.Settings settings =
        ReplicaTraining.Settings.of(recipe, changed, data, out, averageEvery);
    SparkSession session = SparkSession.builder().appName("ebflow train").getOrCreate();
    Optional<ReplicaFailures.Failure> failure =
        train(session, replicas, new ReplicaTraining(settings));
    if (failure.isPresent()) {
      err().println("ebflow: " + failure.get().message());
      return failure.get().exitCode();
    }
    Splits splits = settings.load();
    TrainedFlow best = TrainedFlow.load(out);
    try (Scorer scorer =
        new Scorer(best, Blas.auto(), Runtime.getRuntime().availableProcessors())) {
      err()
          .printf(
              Locale.ROOT,
              "trained %s on %d replicas into %s: test NLL %.4f nats%n",
              changed.name(),
              replicas,
              out,
              scorer.evaluate(splits.test()).nll());
    }
    return 0;
  }

  private Recipe changed() {
    Recipe changed = Recipe.namedOrFile(recipe);
    for (String change : changes) {
      int at = change.indexOf('=');
      changed = changed.set(change.substring(0, Math.max(0, at)), change.substring(at + 1));
    }
    return changed;
  }

  private static void requireAtLeast(int least, String option, int value) {
    if (value < least) {
      throw new InvalidInputException(option + " is " + value + ", expected at least " + least);
    }
  }

  /**
   * Runs the replicas as the tasks of one barrier stage, which is tried again when one fails. Spark
   * does so for stages that end in a shuffle only; others may have written something.
   *
   * @return why the run ended for good before its end
   */
  static Optional<ReplicaFailures.Failure> train(
      SparkSession session, int replicas, ReplicaTraining task) {
    return JavaSparkContext.fromSparkContext(session.sparkContext())
        .parallelize(IntStream.range(0, replicas).boxed().toList(), replicas)
        .rdd()
        .barrier()
        // not of String: Spark would send that by Kryo, which needs flags of the JVM
        .mapPartitions(task, false, ClassTag$.MODULE$.<String>apply(Object.class))
        .toJavaRDD()
        .repartition(1)
        .collect()
        .stream()
        .findFirst()
        .map(ReplicaFailures.Failure::of);
  }
}
