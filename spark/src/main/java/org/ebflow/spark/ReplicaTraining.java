package org.ebflow.spark;

import java.io.IOException;
import java.io.Serial;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
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
class ReplicaTraining extends AbstractFunction1<Iterator<Integer>, Iterator<Integer>>
    implements Serializable {
  @Serial private static final long serialVersionUID = 1;

  private final Settings settings;

  /**
   * @param recipe name or file
   * @param changes of the recipe, KEY=VALUE
   * @param data folder of the data sets, null: downloaded
   * @param run folder that all tasks see
   * @param averageEvery steps between averages of the weights, 0: gradients are summed
   */
  record Settings(
      String recipe, List<String> changes, @Nullable String data, String run, int averageEvery)
      implements Serializable {
    @Serial private static final long serialVersionUID = 1;

    /** The recipe with its changes. */
    Recipe changed() {
      Recipe changed = Recipe.namedOrFile(recipe);
      for (String change : changes) {
        int at = change.indexOf('=');
        changed = changed.set(change.substring(0, Math.max(0, at)), change.substring(at + 1));
      }
      return changed;
    }

    Splits load(Recipe changed) {
      return changed.load(DataSources.in(data == null ? null : Path.of(data)));
    }
  }

  ReplicaTraining(Settings settings) {
    this.settings = settings;
  }

  /** Who follows the run of this task; nobody unless a subclass has one. */
  TrainingListener listener() {
    return new TrainingListener() {};
  }

  @Override
  public final Iterator<Integer> apply(Iterator<Integer> partition) {
    BarrierTaskContext task = BarrierTaskContext.get();
    int rank = task.partitionId();
    int size = task.getTaskInfos().length;
    Recipe recipe = settings.changed();
    Blas blas = ExecutorBlas.of(recipe.bfloat16());
    Splits data = settings.load(recipe);
    Path shared = Path.of(settings.run());
    Path own = rank == 0 ? shared : temporaryFolder();
    boolean resumes = Files.exists(new RunFolder(shared).state());
    if (resumes && rank > 0) {
      copy(shared, own);
    }
    task.barrier(); // nobody writes before all have copied
    try (RingReplicas replicas = RingReplicas.connect(rank, size, address(task), task::allGather)) {
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
      return CollectionConverters.asScala(List.of(rank).iterator());
    } finally {
      if (rank > 0) {
        remove(own);
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

  private static void copy(Path from, Path to) {
    try (Stream<Path> files = Files.walk(from, FileVisitOption.FOLLOW_LINKS)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(from + ": cannot be copied: " + OneLine.message(e), e);
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
