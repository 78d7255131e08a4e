package org.ebflow.training;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;

/** The baselines in a run folder. */
public final class Baselines {
  private final Map<Baseline, TrainedFlow> models;

  private Baselines(Map<Baseline, TrainedFlow> models) {
    this.models = Collections.unmodifiableMap(models);
  }

  /**
   * Those of a run, in the order of {@link Baseline}. A run of an earlier version has none. One
   * that could not be fitted is left out, as run.log says.
   *
   * @param dimension columns of the run's model
   * @throws InvalidInputException if a file is damaged, or is that of another table
   */
  public static Baselines load(Path run, int dimension) {
    Map<Baseline, TrainedFlow> models = new EnumMap<>(Baseline.class);
    for (Baseline baseline : Baseline.values()) {
      Path file = new RunFolder(run).baseline(baseline);
      if (Files.exists(file)) {
        TrainedFlow model = TrainedFlow.load(file);
        if (model.flow().dimension() != dimension) {
          throw new InvalidInputException(
              file
                  + ": expected a model of "
                  + dimension
                  + " columns, found "
                  + model.flow().dimension());
        }
        models.put(baseline, model);
      }
    }
    return new Baselines(models);
  }

  /** The models, unmodifiable. */
  public Map<Baseline, TrainedFlow> models() {
    return models;
  }

  /** Exact likelihood of the same rows by each of them. */
  public Map<Baseline, Evaluation> evaluate(Dataset rows, Blas blas, int threads) {
    Map<Baseline, Evaluation> result = new EnumMap<>(Baseline.class);
    models.forEach(
        (baseline, model) -> {
          try (Scorer scorer = new Scorer(model, blas, threads)) {
            result.put(baseline, scorer.evaluate(rows));
          }
        });
    return result;
  }
}
