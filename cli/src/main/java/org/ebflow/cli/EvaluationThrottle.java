package org.ebflow.cli;

import org.ebflow.training.TrainingListener;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;

/**
 * Passes on about {@link #MOST} evaluations of a run, evenly spaced, and everything else: nobody
 * reads a line for each of hundreds.
 */
final class EvaluationThrottle implements TrainingListener {
  /** How many evaluations of a run are passed on; one more where the run is resumed. */
  static final int MOST = 50;

  private final TrainingListener to;
  private long steps;
  private long next;

  EvaluationThrottle(TrainingListener to) {
    this.to = to;
  }

  @Override
  public void started(Plan plan) {
    steps = plan.steps();
    to.started(plan);
  }

  @Override
  public void stepped(Progress progress) {
    to.stepped(progress);
  }

  @Override
  public void evaluated(long step, Evaluation validation, boolean best, TrainedFlow averaged) {
    if (step >= next || step == steps) {
      next = step + steps / MOST;
      to.evaluated(step, validation, best, averaged);
    }
  }

  @Override
  public void noted(String line) {
    to.noted(line);
  }

  @Override
  public void finished(Outcome outcome) {
    to.finished(outcome);
  }
}
