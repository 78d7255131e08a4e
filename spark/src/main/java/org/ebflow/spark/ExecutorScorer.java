package org.ebflow.spark;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.ebflow.linalg.Blas;
import org.ebflow.training.scoring.ScoreColumns;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.ScoringPrecision;
import org.ebflow.training.scoring.TrainedFlow;

/**
 * The one scorer of a model in this JVM, which all tasks of an executor share: one copy of the
 * weights and of log Z. Each task computes on its own thread, with a {@link Scorer.ThreadScorer}
 * that it borrows and gives back.
 *
 * <p>What no task uses is closed when another model is asked for.
 */
final class ExecutorScorer {
  private static final Map<Key, ExecutorScorer> SCORERS = new HashMap<>();

  private final TrainedFlow model;
  private final Scorer scorer;
  private final ScoreColumns columns;
  private final Deque<Scorer.ThreadScorer> idle = new ArrayDeque<>();
  private int borrowed;

  private record Key(String sha256, ScoringPrecision precision) {}

  private ExecutorScorer(ModelFile file, ScoringPrecision precision) {
    model = precision.weightsOf(file.load());
    Blas blas = ExecutorBlas.of(precision == ScoringPrecision.BF16);
    scorer = precision.scorer(model, blas, 1);
    columns = new ScoreColumns(model, scorer);
  }

  /** A thread scorer that its borrower must close. */
  static Borrowed borrow(ModelFile file, ScoringPrecision precision) {
    synchronized (SCORERS) {
      Key key = new Key(file.sha256(), precision);
      ExecutorScorer shared = SCORERS.get(key);
      if (shared == null) {
        closeUnused();
        shared = new ExecutorScorer(file, precision);
        SCORERS.put(key, shared);
      }
      Scorer.ThreadScorer thread =
          shared.idle.isEmpty() ? shared.scorer.threadScorer() : shared.idle.pop();
      shared.borrowed++;
      return new Borrowed(shared, thread);
    }
  }

  private static void closeUnused() {
    SCORERS
        .values()
        .removeIf(
            other -> {
              if (other.borrowed > 0) {
                return false;
              }
              other.idle.forEach(Scorer.ThreadScorer::close);
              other.scorer.close();
              return true;
            });
  }

  /** Number of models that have a scorer in this JVM. */
  static int count() {
    synchronized (SCORERS) {
      return SCORERS.size();
    }
  }

  /** What one task scores with; closing it twice is harmless. */
  static final class Borrowed implements AutoCloseable {
    private final ExecutorScorer shared;
    private final Scorer.ThreadScorer thread;
    private boolean returned;

    private Borrowed(ExecutorScorer shared, Scorer.ThreadScorer thread) {
      this.shared = shared;
      this.thread = thread;
    }

    TrainedFlow model() {
      return shared.model;
    }

    ScoreColumns columns() {
      return shared.columns;
    }

    Scorer.ThreadScorer scorer() {
      return thread;
    }

    @Override
    public void close() {
      synchronized (SCORERS) {
        if (!returned) {
          returned = true;
          shared.borrowed--;
          shared.idle.push(thread);
        }
      }
    }
  }
}
