package org.ebflow.training;

/**
 * Numbers of a training run that are not the model's, the objective's or the optimizer's.
 *
 * @param batchSize rows per step
 * @param epochs passes over the training rows, 0 for as many as the steps need
 * @param steps most steps, 0 for as many as the epochs have; not both 0
 * @param gamma factor of the learning rate after each of the first epochs
 * @param gammaEpochs the factor applies after epochs 1 … gammaEpochs-1
 * @param clip largest global norm of the gradient, 0 for no limit
 * @param averageDecay decay of the weights' moving average
 * @param evaluateEvery epochs between evaluations on the validation set
 * @param dataNoise standard deviation of Gaussian noise added to preprocessed rows
 * @param matchAfterPreprocessing whether preprocessing stays outside the model
 * @param seed of all noise and of the order of the rows
 * @param threads workers
 */
public record TrainingSettings(
    int batchSize,
    int epochs,
    long steps,
    double gamma,
    int gammaEpochs,
    double clip,
    double averageDecay,
    int evaluateEvery,
    double dataNoise,
    boolean matchAfterPreprocessing,
    long seed,
    int threads) {
  /** Refuses impossible values. */
  public TrainingSettings {
    require(batchSize >= 1, "batch_size", batchSize, "at least 1");
    require(epochs >= 0, "epochs", epochs, "at least 0");
    require(steps >= 0, "steps", steps, "at least 0");
    require(epochs > 0 || steps > 0, "steps", steps, "at least 1 when epochs is 0");
    require(gamma > 0 && gamma <= 1, "gamma", gamma, "0 < gamma <= 1");
    require(gammaEpochs >= 1, "gamma_epochs", gammaEpochs, "at least 1");
    require(clip >= 0, "clip", clip, "at least 0");
    require(
        averageDecay >= 0 && averageDecay < 1,
        "average_decay",
        averageDecay,
        "0 <= average_decay < 1");
    require(evaluateEvery >= 1, "evaluate_every", evaluateEvery, "at least 1");
    require(dataNoise >= 0, "data_noise", dataNoise, "at least 0");
    require(threads >= 1, "threads", threads, "at least 1");
  }

  private static void require(boolean holds, String name, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + " is " + value + ", expected " + expected);
    }
  }

  /** Number of steps when an epoch has that many. */
  long totalSteps(long stepsPerEpoch) {
    if (epochs == 0) {
      return steps;
    }
    long byEpochs = Math.multiplyExact(stepsPerEpoch, epochs);
    return steps == 0 ? byEpochs : Math.min(steps, byEpochs);
  }

  /** Learning rate factor in an epoch, 0 for the first. */
  double rateFactor(long epoch) {
    return StrictMath.pow(gamma, (double) Math.min(epoch, gammaEpochs - 1));
  }
}
