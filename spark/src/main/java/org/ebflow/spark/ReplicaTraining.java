package org.ebflow.spark;

import java.io.IOException;
import java.io.Serial;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.BarrierTaskContext;
import org.ebflow.flow.io.OneLine;
import org.ebflow.linalg.Blas;
import org.ebflow.training.RunFolder;
import org.ebflow.training.Trainer;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.jspecify.annotations.Nullable;
import scala.collection.Iterator;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/**
 * What each task of a barrier stage does: it trains as one replica of a run.
 *
 * <p>The first one's run folder is the run's. The others have folders of their own, which they
 * remove. All states are equal where a checkpoint is written, so all go on from the first one's
 * after a stage has failed.
 *
 * @see SparkTrain
 */
class ReplicaTraining extends AbstractFunction1<Iterator<Integer>, Iterator<String>>
    implements Serializable {
  @Serial private static final long serialVersionUID = 1;

  private final Settings settings;

  /**
   * @param name of the recipe, for messages
   * @param json the recipe, whose files all tasks see
   * @param data folder of the data sets, null: downloaded
   * @param run folder that all tasks see
   * @param averageEvery steps between averages of the weights, 0: gradients are summed
   */
  record Settings(String name, String json, @Nullable String data, String run, int averageEvery)
      implements Serializable {
    @Serial private static final long serialVersionUID = 1;

    /** With a recipe as the driver knows it: executors have other folders to start from. */
    static Settings of(
        String name, Recipe recipe, @Nullable Path data, Path run, int averageEvery) {
      return new Settings(
          name,
          withAbsoluteFiles(recipe, DataSources.in(data)).toJson(),
          data == null ? null : data.toAbsolutePath().toString(),
          run.toAbsolutePath().toString(),
          averageEvery);
    }

    private static Recipe withAbsoluteFiles(Recipe recipe, DataSources sources) {
      Map<String, String> files = new HashMap<>();
      if (!sources.has(recipe.data())) {
        files.put("data.name", recipe.data());
      }
      files.put("data.validation", recipe.validationFile());
      files.put("data.test", recipe.testFile());
      files.values().removeIf(String::isEmpty);
      files.replaceAll((_, file) -> Path.of(file).toAbsolutePath().normalize().toString());
      return recipe.with(files);
    }

    Recipe recipe() {
      return Recipe.ofJson(name, json);
    }

    Splits load() {
      return recipe().load(DataSources.in(data == null ? null : Path.of(data)));
    }
  }

  ReplicaTraining(Settings settings) {
    this.settings = settings;
  }

  /** Who follows the run of this task; nobody unless a subclass has one. */
  TrainingListener listener() {
    return new TrainingListener() {};
  }

  /** Trains; returns why the run ended for good before its end, as text, or nothing. */
  @Override
  public final Iterator<String> apply(Iterator<Integer> partition) {
    BarrierTaskContext task = BarrierTaskContext.get();
    ReplicaFailures failures = new ReplicaFailures(task::allGather);
    try {
      if (task.partitionId() == 0) {
        train(task, failures, Path.of(settings.run()));
      } else {
        trainInTemporaryFolder(task, failures);
      }
      failures.gather("done");
      return iterator(List.of());
    } catch (RuntimeException e) {
      return iterator(List.of(failures.failed(e).text()));
    }
  }

  private static Iterator<String> iterator(List<String> texts) {
    return CollectionConverters.asScala(texts.iterator());
  }

  private void trainInTemporaryFolder(BarrierTaskContext task, ReplicaFailures failures) {
    Path own = temporaryFolder();
    try {
      train(task, failures, own);
    } finally {
      remove(own);
    }
  }

  private void train(BarrierTaskContext task, ReplicaFailures failures, Path own) {
    int rank = task.partitionId();
    int size = task.getTaskInfos().length;
    Recipe recipe = settings.recipe();
    Blas blas = ExecutorBlas.of(recipe.bfloat16());
    Splits data = settings.load();
    RunFolder shared = new RunFolder(Path.of(settings.run()));
    boolean resumes = Files.exists(shared.state());
    if (resumes && rank > 0) {
      shared.copyCheckpoint(own);
    }
    failures.gather("ready"); // nobody writes before all have copied
    try (RingReplicas replicas =
        RingReplicas.connect(rank, size, address(task), failures::gather)) {
      Trainer trainer =
          recipe.trainer(data.train()).blas(blas).threads(task.cpus()).listener(listener());
      if (settings.averageEvery() > 0) {
        trainer.replicas(replicas, settings.averageEvery());
      } else {
        trainer.replicas(replicas);
      }
      if (resumes) {
        trainer.resume(data, own);
      } else {
        trainer.fit(data, own);
      }
    }
  }

  /** This machine's address as the other executors know it. */
  private static InetAddress address(BarrierTaskContext task) {
    String known = task.getTaskInfos()[task.partitionId()].address();
    String host = known.substring(0, Math.max(0, known.lastIndexOf(':')));
    try {
      return InetAddress.getByName(host.isEmpty() ? known : host);
    } catch (IOException e) {
      throw new UncheckedIOException(known + ": no such host: " + OneLine.message(e), e);
    }
  }

  private static Path temporaryFolder() {
    try {
      return Files.createTempDirectory("ebflow-replica");
    } catch (IOException e) {
      throw new UncheckedIOException("no temporary folder: " + OneLine.message(e), e);
    }
  }

  private static void remove(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException _) {
      // it is temporary
    }
  }
}
