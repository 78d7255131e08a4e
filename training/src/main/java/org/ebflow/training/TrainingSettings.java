package org.ebflow.training;

import org.ebflow.training.objective.AnnealedNoise;

/**
 * Numbers of a training run that are not the model's, the objective's or the optimizer's.
 *
 * @param batchSize rows per step
 * @param epochs passes over the training rows, 0 for as many as the steps need
 * @param steps most steps, 0 for as many as the epochs have; not both 0
 * @param minSteps least number of steps, whatever the rows, where epochs are given
 * @param schedule how the learning rate falls
 * @param gamma factor of the learning rate after each of the first epochs, of schedule {@link
 *     RateSchedule#STEP} only
 * @param gammaEpochs the factor applies after epochs 1 … gammaEpochs-1
 * @param warmupSteps steps over which the learning rate rises linearly, from 0 at the first
 * @param clip largest global norm of the gradient, 0 for no limit
 * @param averageDecay decay of the weights' moving average
 * @param evaluateEvery epochs between evaluations on the validation set
 * @param evaluateSteps steps between evaluations instead, 0 for by epochs
 * @param patience evaluations in a row without a better one after which the run stops, 0 for never
 * @param augment whether training images are randomly flipped and shifted
 * @param dataNoise standard deviation of Gaussian noise added to preprocessed rows, whether or not
 *     preprocessing is part of the model
 * @param matchAfterPreprocessing whether preprocessing stays outside the model
 * @param seed of all noise and of the order of the rows
 * @param threads workers
 * @param lastLayer what moves the last layer
 */
public record TrainingSettings(
    int batchSize,
    int epochs,
    long steps,
    long minSteps,
    RateSchedule schedule,
    double gamma,
    int gammaEpochs,
    long warmupSteps,
    double clip,
    double averageDecay,
    int evaluateEvery,
    long evaluateSteps,
    int patience,
    boolean augment,
    AnnealedNoise dataNoise,
    boolean matchAfterPreprocessing,
    long seed,
    int threads,
    LastLayer lastLayer) {
  /** Refuses impossible values. */
  public TrainingSettings {
    require(batchSize >= 1, "batch_size", batchSize, "at least 1");
    require(epochs >= 0, "epochs", epochs, "at least 0");
    require(steps >= 0, "steps", steps, "at least 0");
    require(epochs > 0 || steps > 0, "steps", steps, "at least 1 when epochs is 0");
    require(minSteps >= 0, "min_steps", minSteps, "at least 0");
    require(gamma > 0 && gamma <= 1, "gamma", gamma, "0 < gamma <= 1");
    require(gammaEpochs >= 1, "gamma_epochs", gammaEpochs, "at least 1");
    require(warmupSteps >= 0, "warmup_steps", warmupSteps, "at least 0");
    require(clip >= 0, "clip", clip, "at least 0");
    require(
        averageDecay >= 0 && averageDecay < 1,
        "average_decay",
        averageDecay,
        "0 <= average_decay < 1");
    require(evaluateEvery >= 1, "evaluate_every", evaluateEvery, "at least 1");
    require(evaluateSteps >= 0, "evaluate_steps", evaluateSteps, "at least 0");
    require(patience >= 0, "patience", patience, "at least 0");
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
    builder.minSteps = minSteps;
    builder.schedule = schedule;
    builder.gamma = gamma;
    builder.gammaEpochs = gammaEpochs;
    builder.warmupSteps = warmupSteps;
    builder.clip = clip;
    builder.averageDecay = averageDecay;
    builder.evaluateEvery = evaluateEvery;
    builder.evaluateSteps = evaluateSteps;
    builder.patience = patience;
    builder.augment = augment;
    builder.dataNoise = dataNoise;
    builder.matchAfterPreprocessing = matchAfterPreprocessing;
    builder.seed = seed;
    builder.threads = threads;
    builder.lastLayer = lastLayer;
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
    long byEpochs = Math.max(Math.multiplyExact(stepsPerEpoch, epochs), minSteps);
    return steps == 0 ? byEpochs : Math.min(steps, byEpochs);
  }

  /** Whether an evaluation is due after {@code step} steps, of a run of {@code totalSteps}. */
  boolean evaluatesAfter(long step, long stepsPerEpoch, long totalSteps) {
    return step == totalSteps
        || step % (evaluateSteps > 0 ? evaluateSteps : stepsPerEpoch * evaluateEvery) == 0;
  }

  /**
   * Factor of the learning rate of a step, counted from 0. With w steps of warm-up and T in all it
   * is min(1, step/w) times gamma^min(epoch, gammaEpochs-1) for schedule step, times ½(1 + cos(π
   * (step-w)/(T-1-w))) for cosine, 1 before step w and where the warm-up takes all steps.
   */
  double rateFactor(long step, long stepsPerEpoch, long totalSteps) {
    double warmed = step < warmupSteps ? (double) step / warmupSteps : 1;
    return warmed
        * switch (schedule) {
          case STEP ->
              StrictMath.pow(gamma, (double) Math.min(step / stepsPerEpoch, gammaEpochs - 1));
          case COSINE -> {
            long falling = totalSteps - 1 - warmupSteps;
            double fallen = falling > 0 ? (double) Math.max(0, step - warmupSteps) / falling : 0;
            yield 0.5 * (1 + StrictMath.cos(Math.PI * fallen));
          }
        };
  }

  /** Settings by name; what is not named has its published default. */
  public static final class Builder {
    private int batchSize = 100;
    private int epochs = 10;
    private long steps;
    private long minSteps;
    private RateSchedule schedule = RateSchedule.STEP;
    private double gamma = 1;
    private int gammaEpochs = 1;
    private long warmupSteps;
    private double clip;
    private double averageDecay = 0.999;
    private int evaluateEvery = 1;
    private long evaluateSteps;
    private int patience;
    private boolean augment;
    private AnnealedNoise dataNoise = AnnealedNoise.constant(0);
    private boolean matchAfterPreprocessing = true;
    private long seed;
    private int threads = Runtime.getRuntime().availableProcessors();
    private LastLayer lastLayer = LastLayer.TRAINED;

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
     * Least number of steps, for tables so small that the epochs have few; 0 unless told otherwise.
     * Of no effect where the epochs are 0.
     */
    public Builder minSteps(long value) {
      minSteps = value;
      return this;
    }

    /** How the learning rate falls; {@link RateSchedule#STEP} unless told otherwise. */
    public Builder schedule(RateSchedule value) {
      schedule = value;
      return this;
    }

    /**
     * Of schedule {@link RateSchedule#STEP}: multiplies the learning rate by {@code factor} after
     * each of epochs 1 … {@code untilEpoch}-1; it is constant unless told otherwise.
     */
    public Builder schedule(double factor, int untilEpoch) {
      gamma = factor;
      gammaEpochs = untilEpoch;
      return this;
    }

    /** Steps over which the learning rate rises linearly from 0; 0 unless told otherwise. */
    public Builder warmupSteps(long value) {
      warmupSteps = value;
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

    /** Steps between evaluations, in place of epochs; 0, for by epochs, unless told otherwise. */
    public Builder evaluateSteps(long value) {
      evaluateSteps = value;
      return this;
    }

    /**
     * Evaluations in a row without a better one after which the run stops; 0, for never, unless
     * told otherwise.
     */
    public Builder patience(int value) {
      patience = value;
      return this;
    }

    /**
     * Whether training images are flipped with probability ½ and shifted by up to 4 % of their
     * sides, with the border repeated; they are not unless told otherwise.
     */
    public Builder augment(boolean value) {
      augment = value;
      return this;
    }

    /** Standard deviation of Gaussian noise on preprocessed rows; 0 unless told otherwise. */
    public Builder dataNoise(double deviation) {
      return dataNoise(AnnealedNoise.constant(deviation));
    }

    /** The same where it is annealed. */
    public Builder dataNoise(AnnealedNoise noise) {
      dataNoise = noise;
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

    /** What moves the last layer; {@link LastLayer#TRAINED} unless told otherwise. */
    public Builder lastLayer(LastLayer value) {
      lastLayer = value;
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
          minSteps,
          schedule,
          gamma,
          gammaEpochs,
          warmupSteps,
          clip,
          averageDecay,
          evaluateEvery,
          evaluateSteps,
          patience,
          augment,
          dataNoise,
          matchAfterPreprocessing,
          seed,
          threads,
          lastLayer);
    }
  }
}
