package org.ebflow.training.recipe;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.ebflow.linalg.Precision;
import org.ebflow.training.LastLayer;
import org.ebflow.training.RateSchedule;
import org.ebflow.training.TrainingSettings;

/**
 * The training numbers of a recipe, as {@link org.ebflow.training.TrainingSettings}.
 *
 * @param matchAfterPreprocessing {@code map}: whether preprocessing stays outside the model
 * @param precision of weights, training rows and products
 */
record TrainingRecipe(
    int batchSize,
    int epochs,
    long steps,
    double gamma,
    int gammaEpochs,
    double clip,
    double averageDecay,
    int evaluateEvery,
    long minSteps,
    long evaluateSteps,
    int patience,
    RateSchedule schedule,
    long warmupSteps,
    LastLayer lastLayer,
    @JsonProperty("map") boolean matchAfterPreprocessing,
    long seed,
    Format precision) {
  /** These numbers as settings of a trainer. */
  TrainingSettings.Builder settings() {
    return TrainingSettings.builder()
        .batchSize(batchSize)
        .epochs(epochs)
        .steps(steps)
        .schedule(gamma, gammaEpochs)
        .clip(clip)
        .averageDecay(averageDecay)
        .evaluateEvery(evaluateEvery)
        .minSteps(minSteps)
        .evaluateSteps(evaluateSteps)
        .patience(patience)
        .schedule(schedule)
        .warmupSteps(warmupSteps)
        .lastLayer(lastLayer)
        .matchAfterPreprocessing(matchAfterPreprocessing)
        .seed(seed);
  }

  /** Formats by the names that recipes use. */
  enum Format {
    F32(Precision.FLOAT32, false),
    F64(Precision.FLOAT64, false),
    BF16(Precision.FLOAT32, true);

    /** Of weights and training rows. */
    final Precision precision;

    /** Whether large products of a step round their operands. */
    final boolean bfloat16;

    Format(Precision precision, boolean bfloat16) {
      this.precision = precision;
      this.bfloat16 = bfloat16;
    }
  }
}
