package org.ebflow.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.LikelihoodText;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * Loss, steps/s and ETA of a run on stderr: one line that is rewritten on a terminal, a plain line
 * now and then elsewhere.
 */
final class TrainProgress implements TrainingListener, AutoCloseable {
  private static final long LINE_NANOS = 10_000_000_000L;

  private final PrintWriter err;
  private final @Nullable Terminal terminal;
  private @Nullable ProgressBar bar;
  private String validated = "";
  private long impossible;
  private long steps;
  private long firstStep;
  private long start;
  private long shown;

  /** {@code terminal} is null where there is none. */
  TrainProgress(PrintWriter err, @Nullable Terminal terminal) {
    this.err = err;
    this.terminal = terminal;
  }

  @Override
  public void started(Plan plan) {
    steps = plan.steps();
    firstStep = plan.firstStep();
    start = System.nanoTime();
    shown = start;
    err.printf(
        Locale.ROOT,
        "%,d steps, %,d per epoch, on %d thread%s with %s, into %s%n",
        steps,
        plan.stepsPerEpoch(),
        plan.threads(),
        plan.threads() == 1 ? "" : "s",
        plan.backend(),
        OneLine.name(plan.run().toString()));
    if (terminal != null) {
      bar = terminal.bar("steps", firstStep, steps);
    }
  }

  @Override
  public void stepped(Progress progress) {
    long now = System.nanoTime();
    if (now - shown < (bar == null ? LINE_NANOS : Terminal.BAR_MILLIS * 1_000_000L)) {
      return;
    }
    shown = now;
    if (bar != null) {
      bar.setExtraMessage(String.format(Locale.ROOT, " loss %.4g%s", progress.loss(), validated));
      bar.stepTo(progress.step());
      return;
    }
    double rate = (progress.step() - firstStep) / ((now - start) * 1e-9);
    err.printf(
        Locale.ROOT,
        "step %d/%d, epoch %d, loss %.6g, %.1f steps/s, ETA %s%n",
        progress.step(),
        steps,
        progress.epoch() + 1,
        progress.loss(),
        progress.stepsPerSecond(),
        time((steps - progress.step()) / rate));
  }

  private static String time(double seconds) {
    Duration left = Duration.ofSeconds(Math.round(seconds));
    return String.format(
        Locale.ROOT, "%d:%02d:%02d", left.toHours(), left.toMinutesPart(), left.toSecondsPart());
  }

  @Override
  public void evaluated(long step, Evaluation validation, boolean best, TrainedFlow averaged) {
    if (bar == null) {
      err.printf(
          Locale.ROOT,
          "step %d/%d: validation NLL %s nats, %s bits/dim%s%s%n",
          step,
          steps,
          LikelihoodText.of(validation.nll()),
          LikelihoodText.of(validation.bitsPerDimension()),
          validation.impossible() == 0 ? "" : " " + validation.countedRows(),
          best ? ", the best so far" : "");
    } else {
      validated = ", NLL " + LikelihoodText.of(validation.nll());
      if (validation.impossible() != impossible) { // a line of its own, below the bar
        impossible = validation.impossible();
        err.printf(
            Locale.ROOT,
            "%nstep %d/%d: validation NLL %s nats %s%n",
            step,
            steps,
            LikelihoodText.of(validation.nll()),
            validation.countedRows());
      }
      bar.stepTo(step);
    }
  }

  @Override
  public void noted(String line) {
    String text = OneLine.name(line);
    err.println(bar == null ? text : System.lineSeparator() + text); // below the bar
  }

  @Override
  public void close() {
    if (terminal != null && bar != null) {
      terminal.end(bar);
      bar = null;
    }
  }
}
