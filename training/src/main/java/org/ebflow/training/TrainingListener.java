package org.ebflow.training;

import java.nio.file.Path;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;

/** Follows a training run: progress lines, plots. Called on the training thread. */
public interface TrainingListener {
  /** What is known of a run at its start. */
  record Plan(
      Path run, long firstStep, long steps, long stepsPerEpoch, int threads, String backend) {}

  /**
   * The state after one step; loss is the mean since the last progress row, rates are per second of
   * training.
   */
  record Progress(long step, long epoch, double loss, double stepsPerSecond) {}

  /**
   * How a run ended.
   *
   * @param best the model of the best evaluation
   * @param step steps made in all
   * @param bestStep the step of the best evaluation
   * @param bestNll its validation NLL in nats
   * @param stoppedEarly whether its patience ended before its steps
   * @param stillImproving whether the last of several evaluations was the best
   */
  record Outcome(
      TrainedFlow best,
      long step,
      long bestStep,
      double bestNll,
      boolean stoppedEarly,
      boolean stillImproving) {}

  /** Training begins. */
  default void started(Plan plan) {}

  /** One step is done; called after every step, so be quick. */
  default void stepped(Progress progress) {}

  /**
   * The averaged weights were evaluated on the validation set. The model is valid during the call
   * only.
   */
  default void evaluated(long step, Evaluation validation, boolean best, TrainedFlow averaged) {}

  /** Something that its user should know, in one line; run.log has it too. */
  default void noted(String line) {}

  /** The run is complete. */
  default void finished(Outcome outcome) {}
}
