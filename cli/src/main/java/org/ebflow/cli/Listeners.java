package org.ebflow.cli;

import java.util.List;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;

/** Several listeners as one. */
record Listeners(List<TrainingListener> all) implements TrainingListener {
  @Override
  public void started(Plan plan) {
    all.forEach(listener -> listener.started(plan));
  }

  @Override
  public void stepped(Progress progress) {
    for (TrainingListener listener : all) {
      listener.stepped(progress);
    }
  }

  @Override
  public void evaluated(long step, Evaluation validation, boolean best, TrainedFlow averaged) {
    all.forEach(listener -> listener.evaluated(step, validation, best, averaged));
  }

  @Override
  public void noted(String line) {
    all.forEach(listener -> listener.noted(line));
  }

  @Override
  public void finished(Outcome outcome) {
    all.forEach(listener -> listener.finished(outcome));
  }
}
