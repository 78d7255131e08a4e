package org.ebflow.cli;

import java.io.PrintWriter;
import java.util.Objects;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.TrainingListener;
import org.jspecify.annotations.Nullable;

/** Announces a run once it has begun, and knows how it ended. */
final class OutcomeListener implements TrainingListener {
  private final String title;
  private final PrintWriter err;
  private final Runnable begun;
  private @Nullable Plan plan;
  private @Nullable Outcome outcome;

  OutcomeListener(String title, PrintWriter err, Runnable begun) {
    this.title = title;
    this.err = err;
    this.begun = begun;
  }

  @Override
  public void started(Plan started) {
    err.println(OneLine.name(title));
    plan = started;
    begun.run();
  }

  @Override
  public void finished(Outcome ended) {
    outcome = ended;
  }

  Outcome outcome() {
    return Objects.requireNonNull(outcome, "the run has not ended");
  }

  /** The options that make the run twice as long. */
  String longer(boolean byEpochs) {
    long perEpoch = Objects.requireNonNull(plan, "the run has not begun").stepsPerEpoch();
    long steps = outcome().step();
    return byEpochs ? " --epochs " + 2 * Math.ceilDiv(steps, perEpoch) : " --steps " + 2 * steps;
  }
}
