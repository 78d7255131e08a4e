package org.ebflow.training;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.AnnealedNoise;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.optimizer.Optimizer;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.Whitening;
import org.ebflow.training.scoring.Scores;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * Trains a flow on a data set and leaves a run folder: the settings, then {@link #fit}.
 *
 * <p>Same settings, data, number of threads, build and kind of CPU: same bits. The flow's own
 * parameters are trained in place; what {@link #fit} returns has the averaged weights of the best
 * validation likelihood. Better is the evaluation with fewer rows of density zero ({@link Scores}),
 * and of two with as many the one with the lower NLL of the others.
 *
 * <p>Threading: not thread-safe, but for {@link #requestStop}.
 */
public final class Trainer {
  private final Flow flow;
  private final Objective objective;
  private Preprocessing.Fit preprocessing = train -> Preprocessing.none();
  private boolean whitening;
  private Optimizer optimizer = new RmsProp(1e-4);
  private TrainingSettings.Builder settings = TrainingSettings.builder();
  private boolean bfloat16;
  private Map<String, Object> recipe = new LinkedHashMap<>();
  private TrainingListener listener = new TrainingListener() {};
  private @Nullable Blas blas;
  private ReplicaGroup replicas = ReplicaGroup.SINGLE;
  private int averageEvery;
  private volatile boolean stopRequested;

  private Trainer(Flow flow, Objective objective) {
    this.flow = flow;
    this.objective = objective;
  }

  /** A trainer of that flow by that objective, with the published defaults. */
  public static Trainer of(Flow flow, Objective objective) {
    return new Trainer(flow, objective);
  }

  /** How rows become rows of the model; as they are unless told otherwise. */
  public Trainer preprocessing(Preprocessing.Fit fit) {
    preprocessing = fit;
    return this;
  }

  /**
   * Whether a fixed affine map behind the preprocessing whitens the training rows ({@link
   * Whitening}); it does not unless told otherwise.
   */
  public Trainer whitening(boolean value) {
    whitening = value;
    return this;
  }

  /** How gradients move weights; RMSprop with learning rate 1e-4 unless told otherwise. */
  public Trainer optimizer(Optimizer value) {
    optimizer = value;
    return this;
  }

  /** All settings at once; those that are named afterwards replace theirs. */
  public Trainer settings(TrainingSettings value) {
    settings = value.toBuilder();
    return this;
  }

  /**
   * Passes over the training rows; 10 unless told otherwise, 0 for as many as {@link #steps} need.
   */
  public Trainer epochs(int value) {
    settings.epochs(value);
    return this;
  }

  /** Most steps; as many as the epochs have unless told otherwise. */
  public Trainer steps(long value) {
    settings.steps(value);
    return this;
  }

  /** Rows per step; 100 unless told otherwise. */
  public Trainer batchSize(int value) {
    settings.batchSize(value);
    return this;
  }

  /**
   * Least number of steps where epochs are given, for tables so small that the epochs have few; 0
   * unless told otherwise.
   */
  public Trainer minSteps(long value) {
    settings.minSteps(value);
    return this;
  }

  /** How the learning rate falls; {@link RateSchedule#STEP} unless told otherwise. */
  public Trainer schedule(RateSchedule value) {
    settings.schedule(value);
    return this;
  }

  /** Steps over which the learning rate rises linearly from 0; 0 unless told otherwise. */
  public Trainer warmupSteps(long value) {
    settings.warmupSteps(value);
    return this;
  }

  /**
   * Of schedule {@link RateSchedule#STEP}: multiplies the learning rate by {@code factor} after
   * each of epochs 1 … {@code untilEpoch}-1.
   */
  public Trainer schedule(double factor, int untilEpoch) {
    settings.schedule(factor, untilEpoch);
    return this;
  }

  /** Largest global norm of the gradient; no limit unless told otherwise. */
  public Trainer clip(double norm) {
    settings.clip(norm);
    return this;
  }

  /** Decay of the weights' moving average; .999 unless told otherwise. */
  public Trainer averageDecay(double decay) {
    settings.averageDecay(decay);
    return this;
  }

  /** Epochs between evaluations on the validation set; 1 unless told otherwise. */
  public Trainer evaluateEvery(int value) {
    settings.evaluateEvery(value);
    return this;
  }

  /** Steps between evaluations, in place of epochs; 0, for by epochs, unless told otherwise. */
  public Trainer evaluateSteps(long value) {
    settings.evaluateSteps(value);
    return this;
  }

  /**
   * Evaluations in a row without a better one after which the run stops; 0, for never, unless told
   * otherwise.
   */
  public Trainer patience(int value) {
    settings.patience(value);
    return this;
  }

  /**
   * Whether training images are flipped with probability ½ and shifted by up to 4 % of their sides,
   * with the border repeated; they are not unless told otherwise.
   */
  public Trainer augment(boolean value) {
    settings.augment(value);
    return this;
  }

  /** Standard deviation of Gaussian noise added to preprocessed rows at every step. */
  public Trainer dataNoise(double deviation) {
    settings.dataNoise(deviation);
    return this;
  }

  /** The same where it is annealed; it has fallen at the last step at the latest. */
  public Trainer dataNoise(AnnealedNoise noise) {
    settings.dataNoise(noise);
    return this;
  }

  /**
   * Whether preprocessing stays outside the model while it trains; it does unless told otherwise.
   */
  public Trainer matchAfterPreprocessing(boolean value) {
    settings.matchAfterPreprocessing(value);
    return this;
  }

  /** What moves the flow's last layer; {@link LastLayer#TRAINED} unless told otherwise. */
  public Trainer lastLayer(LastLayer value) {
    settings.lastLayer(value);
    return this;
  }

  /**
   * Whether the products of a step by large weights round their operands to bfloat16; they don't
   * unless told otherwise. Needs float32 weights, a backend with such products ({@link
   * Blas#multipliesBFloat16}) and an objective that tolerates it.
   */
  public Trainer bfloat16(boolean value) {
    bfloat16 = value;
    return this;
  }

  /** Seed of all noise and of the order of the rows; 0 unless told otherwise. */
  public Trainer seed(long value) {
    settings.seed(value);
    return this;
  }

  /** Workers; as many as there are cores unless told otherwise. */
  public Trainer threads(int value) {
    settings.threads(value);
    return this;
  }

  /** Matrix products; the fastest that loads unless told otherwise. */
  public Trainer blas(Blas value) {
    blas = value;
    return this;
  }

  /**
   * What config.json keeps under {@code recipe}: whatever the caller needs to build this trainer
   * again.
   */
  public Trainer recipe(Map<String, Object> value) {
    recipe = value;
    return this;
  }

  /** Who follows the run. */
  public Trainer listener(TrainingListener value) {
    listener = value;
    return this;
  }

  /**
   * Trains together with other processes, each with a trainer of the same settings and data and a
   * folder of its own. The first member's folder is that of the run.
   *
   * <p>Each member computes its share of every batch, and the gradients are summed in every step.
   * So the run is that of one process, up to rounding. A request to stop counts at evaluations,
   * that of the first member.
   */
  public Trainer replicas(ReplicaGroup group) {
    replicas = group;
    averageEvery = 0;
    return this;
  }

  /**
   * The same, but each member moves its own weights by the gradient of its share, and what they
   * have become is averaged: less to send, and not the run of one process.
   *
   * <p>Weights and moments are averaged after every {@code every} steps and before each evaluation,
   * the moving average of the weights before evaluations. Losses in the first member's metrics.csv
   * are those of its own shares.
   */
  public Trainer replicas(ReplicaGroup group, int every) {
    if (every < 1) {
      throw new IllegalArgumentException(
          "Trainer.replicas: averages every " + every + " steps, expected at least 1");
    }
    replicas = group;
    averageEvery = every;
    return this;
  }

  /**
   * Asks a running {@link #fit} or {@link #resume} to save and stop after the step it is in.
   * Thread-safe.
   */
  public void requestStop() {
    stopRequested = true;
  }

  boolean stopRequested() {
    return stopRequested;
  }

  /** At the end of a run: the next one was not asked to stop. */
  void forgetStopRequest() {
    stopRequested = false;
  }

  Flow flow() {
    return flow;
  }

  Objective objective() {
    return objective;
  }

  Optimizer optimizer() {
    return optimizer;
  }

  Preprocessing.Fit preprocessing() {
    return preprocessing;
  }

  boolean whitening() {
    return whitening;
  }

  Map<String, Object> recipe() {
    return recipe;
  }

  TrainingListener listener() {
    return listener;
  }

  Blas blas() {
    return blas == null ? Blas.auto() : blas;
  }

  boolean bfloat16() {
    return bfloat16;
  }

  ReplicaGroup replicas() {
    return replicas;
  }

  /** Steps between averages; 0 where gradients are summed. */
  int averageEvery() {
    return averageEvery;
  }

  /**
   * Trains from the flow's present weights.
   *
   * @param data without validation rows, the training rows are evaluated in their place
   * @param run folder to write: new, empty, or of a run whose first checkpoint was never written
   * @throws TrainingInterruptedException after {@link #requestStop}; the state is saved
   * @throws TrainingDivergedException after 100 steps in a row with losses that are not finite, or
   *     when no evaluation had a row of density above zero
   */
  public TrainedFlow fit(Splits data, Path run) {
    return start(data, new RunFolder(run)).run(false);
  }

  /**
   * Goes on from the last checkpoint of a run with the same settings, data and flow, and ends with
   * the same bits as if it had not stopped. A run whose first checkpoint was never written begins.
   *
   * <p>A run that {@linkplain #patience stopped early} goes on only if it is asked for another
   * length than it had, or for more patience.
   *
   * @throws InvalidInputException if the rows of a part come from another file than the run's, or
   *     the checkpoint is not this run's
   */
  public TrainedFlow resume(Splits data, Path run) {
    RunFolder folder = new RunFolder(run);
    boolean saved = Files.exists(folder.state());
    if (!saved && Files.exists(folder.model())) {
      throw new InvalidInputException(
          folder.state()
              + ": expected the last checkpoint of the run, found none; its model can be used, training anew needs a new folder");
    }
    folder.requireDataOfRun(data);
    return start(data, folder).run(saved);
  }

  private TrainingRun start(Splits data, RunFolder folder) {
    if (bfloat16 && !objective.toleratesBFloat16()) {
      throw new IllegalArgumentException(
          "Trainer: objective " + objective.name() + " does not tolerate bfloat16");
    }
    TrainingSettings chosen = settings.build();
    if (averageEvery > 0 && replicas.size() > 1 && chosen.lastLayer() != LastLayer.TRAINED) {
      throw new IllegalArgumentException(
          "Trainer: a last layer in closed form can't be trained by replicas that average");
    }
    return new TrainingRun(this, chosen, data, folder);
  }
}
