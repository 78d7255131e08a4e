package org.ebflow.training;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;
import org.ebflow.training.optimizer.OptimizerState;

/**
 * Where a run stands, beside its tensors: all that a resumed run needs to go on with the same bits.
 */
final class Checkpoint {
  private static final String FORMAT = "ebflow-state-2";

  /** The run's own name, as in config.json; empty in the states of earlier versions. */
  String runId = "";

  long step;
  double bestNll = Double.POSITIVE_INFINITY;
  long bestImpossible = Long.MAX_VALUE;
  long bestStep = -1;

  /** Steps that the run was to have, 0 in the states of earlier versions. */
  long length;

  /** None in the states of earlier versions. */
  EvaluationCount evaluations = EvaluationCount.NONE;

  double wallSeconds;
  long nonFiniteSteps;
  long[] fileLengths = {0, 0};
  int threads;
  String backend = "";

  /** Loss and steps since the last row of metrics.csv, and rows that were not finite in them. */
  double lossSum;

  long lossSteps;
  long nonFiniteRows;

  /**
   * @param further tensors beside those of weights and optimizer, by name
   */
  void save(Path file, Parameters weights, OptimizerState state, Map<String, Matrix> further) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", FORMAT);
    metadata.put("run_id", runId);
    metadata.put("step", String.valueOf(step));
    metadata.put("updates", String.valueOf(state.updates()));
    metadata.put("best_nll", String.valueOf(bestNll));
    metadata.put("best_impossible", String.valueOf(bestImpossible));
    metadata.put("best_step", String.valueOf(bestStep));
    metadata.put("length", String.valueOf(length));
    metadata.put("evaluations", String.valueOf(evaluations.made()));
    metadata.put("best_evaluation", String.valueOf(evaluations.best()));
    metadata.put("patient_from", String.valueOf(evaluations.patientFrom()));
    metadata.put("wall_s", String.valueOf(wallSeconds));
    metadata.put("non_finite_steps", String.valueOf(nonFiniteSteps));
    metadata.put("metrics_bytes", String.valueOf(fileLengths[0]));
    metadata.put("log_bytes", String.valueOf(fileLengths[1]));
    metadata.put("threads", String.valueOf(threads));
    metadata.put("backend", backend);
    metadata.put("weights", String.valueOf(weights.count()));
    metadata.put("loss_sum", String.valueOf(lossSum));
    metadata.put("loss_steps", String.valueOf(lossSteps));
    metadata.put("non_finite_rows", String.valueOf(nonFiniteRows));
    metadata.put("initialized_by_data", String.valueOf(weights.initializedByData()));
    Safetensors.write(file, tensors(weights, state, further), metadata);
  }

  private static Map<String, Matrix> tensors(
      Parameters weights, OptimizerState state, Map<String, Matrix> further) {
    Map<String, Parameters> parts = new LinkedHashMap<>();
    parts.put("weights", weights);
    parts.putAll(state.byName());
    Map<String, Matrix> tensors = new LinkedHashMap<>();
    parts.forEach(
        (part, values) ->
            values.byName().forEach((name, block) -> tensors.put(part + "." + name, block)));
    tensors.putAll(further);
    return tensors;
  }

  static Checkpoint load(
      Path file, Parameters weights, OptimizerState state, Map<String, Matrix> further) {
    try (Safetensors saved = Safetensors.read(file)) {
      Map<String, String> metadata = saved.metadata();
      if (!FORMAT.equals(metadata.get("format"))) {
        throw new InvalidInputException(
            file
                + ": expected a training state (format "
                + FORMAT
                + "), found format "
                + metadata.get("format"));
      }
      Checkpoint result = parse(metadata, state, file);
      if (!String.valueOf(weights.count()).equals(metadata.get("weights"))) {
        throw new InvalidInputException(
            file
                + ": expected the state of "
                + weights.count()
                + " weights, as the model has, found that of "
                + metadata.get("weights"));
      }
      tensors(weights, state, further).forEach(saved::copyTo);
      weights.initializedByData(Boolean.parseBoolean(metadata.get("initialized_by_data")));
      weights.changed();
      return result;
    }
  }

  private static Checkpoint parse(Map<String, String> metadata, OptimizerState state, Path file) {
    Checkpoint result = new Checkpoint();
    result.runId = metadata.getOrDefault("run_id", "");
    try {
      result.step = Long.parseLong(text(metadata, "step"));
      state.updates(Long.parseLong(text(metadata, "updates")));
      result.bestNll = Double.parseDouble(text(metadata, "best_nll"));
      String impossible = metadata.get("best_impossible"); // older states have none
      result.bestImpossible =
          impossible != null
              ? Long.parseLong(impossible)
              : Double.isFinite(result.bestNll) ? 0 : Long.MAX_VALUE;
      result.bestStep = Long.parseLong(text(metadata, "best_step"));
      result.length = Long.parseLong(metadata.getOrDefault("length", "0"));
      result.evaluations =
          new EvaluationCount(
              Long.parseLong(metadata.getOrDefault("evaluations", "0")),
              Long.parseLong(metadata.getOrDefault("best_evaluation", "0")),
              Long.parseLong(metadata.getOrDefault("patient_from", "0")));
      result.wallSeconds = Double.parseDouble(text(metadata, "wall_s"));
      result.nonFiniteSteps = Long.parseLong(text(metadata, "non_finite_steps"));
      result.fileLengths =
          new long[] {
            Long.parseLong(text(metadata, "metrics_bytes")),
            Long.parseLong(text(metadata, "log_bytes"))
          };
      result.threads = Integer.parseInt(text(metadata, "threads"));
      result.backend = text(metadata, "backend");
      result.lossSum = Double.parseDouble(text(metadata, "loss_sum"));
      result.lossSteps = Long.parseLong(text(metadata, "loss_steps"));
      result.nonFiniteRows = Long.parseLong(text(metadata, "non_finite_rows"));
      requireAtLeast(0, "step", result.step);
      requireAtLeast(0, "updates", state.updates());
      requireAtLeast(0, "length", result.length);
      requireAtLeast(0, "best_evaluation", result.evaluations.best());
      requireAtLeast(result.evaluations.best(), "evaluations", result.evaluations.made());
      requireAtLeast(0, "patient_from", result.evaluations.patientFrom());
      requireAtLeast(0, "metrics_bytes", result.fileLengths[0]);
      requireAtLeast(0, "log_bytes", result.fileLengths[1]);
      requireAtLeast(1, "threads", result.threads);
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(
          file + ": the training state can't be read (" + e.getMessage() + ")", e);
    }
    return result;
  }

  private static void requireAtLeast(long least, String name, long value) {
    if (value < least) {
      throw new IllegalArgumentException(name + " is " + value + ", expected at least " + least);
    }
  }

  private static String text(Map<String, String> metadata, String key) {
    String value = metadata.get(key);
    if (value == null) {
      throw new IllegalArgumentException("no " + key);
    }
    return value;
  }
}
