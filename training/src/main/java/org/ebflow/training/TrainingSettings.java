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

  /** The published defaults, to be changed. */
  public static Builder builder() {
    return new Builder();
  }

  /** These settings, to be changed. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.batchSize = batchSize;
    builder.epochs = epochs;
    builder.steps = steps;
    builder.gamma = gamma;
    builder.gammaEpochs = gammaEpochs;
    builder.clip = clip;
    builder.averageDecay = averageDecay;
    builder.evaluateEvery = evaluateEvery;
    builder.dataNoise = dataNoise;
    builder.matchAfterPreprocessing = matchAfterPreprocessing;
    builder.seed = seed;
    builder.threads = threads;
    return builder;
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

  /** Settings by name; what is not named has its published default. */
  public static final class Builder {
    private int batchSize = 100;
    private int epochs = 10;
    private long steps;
    private double gamma = 1;
    private int gammaEpochs = 1;
    private double clip;
    private double averageDecay = 0.999;
    private int evaluateEvery = 1;
    private double dataNoise;
    private boolean matchAfterPreprocessing = true;
    private long seed;
    private int threads = Runtime.getRuntime().availableProcessors();

    private Builder() {}

    /** Rows per step; 100 unless told otherwise. */
    public Builder batchSize(int value) {
      batchSize = value;
      return this;
    }

    /** Passes over the training rows; 10 unless told otherwise, 0 for as many as the steps need. */
    public Builder epochs(int value) {
      epochs = value;
      return this;
    }

    /** Most steps; 0, for as many as the epochs have, unless told otherwise. */
    public Builder steps(long value) {
      steps = value;
      return this;
    }

    /**
     * Multiplies the learning rate by {@code factor} after each of epochs 1 … {@code untilEpoch}-1;
     * it is constant unless told otherwise.
     */
    public Builder schedule(double factor, int untilEpoch) {
      gamma = factor;
      gammaEpochs = untilEpoch;
      return this;
    }

    /** Largest global norm of the gradient; 0, for no limit, unless told otherwise. */
    public Builder clip(double norm) {
      clip = norm;
      return this;
    }

    /** Decay of the weights' moving average; .999 unless told otherwise. */
    public Builder averageDecay(double decay) {
      averageDecay = decay;
      return this;
    }

    /** Epochs between evaluations on the validation set; 1 unless told otherwise. */
    public Builder evaluateEvery(int value) {
      evaluateEvery = value;
      return this;
    }

    /** Standard deviation of Gaussian noise on preprocessed rows; 0 unless told otherwise. */
    public Builder dataNoise(double deviation) {
      dataNoise = deviation;
      return this;
    }

    /** Whether preprocessing stays outside the model; it does unless told otherwise. */
    public Builder matchAfterPreprocessing(boolean value) {
      matchAfterPreprocessing = value;
      return this;
    }

    /** Seed of all noise and of the order of the rows; 0 unless told otherwise. */
    public Builder seed(long value) {
      seed = value;
      return this;
    }

    /** Workers; as many as there are cores unless told otherwise. */
    public Builder threads(int value) {
      threads = value;
      return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if one is out of its range, named as in a recipe
     */
    public TrainingSettings build() {
      return new TrainingSettings(
          batchSize,
          epochs,
          steps,
          gamma,
          gammaEpochs,
          clip,
          averageDecay,
          evaluateEvery,
          dataNoise,
          matchAfterPreprocessing,
          seed,
          threads);
    }
  }
}
