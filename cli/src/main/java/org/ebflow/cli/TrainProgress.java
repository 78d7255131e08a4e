package org.ebflow.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * Loss, steps/s and ETA of a run on stderr: one line that is rewritten on a terminal, a plain line
 * now and then elsewhere.
 */
final class TrainProgress implements TrainingListener, AutoCloseable {
  private static final long LINE_NANOS = 10_000_000_000L;
  private static final int BAR_MILLIS = 250;

  private static final int USUAL_WIDTH = 80;
  private static final int LEAST_WIDTH = 40;

  private final PrintWriter err;
  private final @Nullable Terminal terminal;
  private @Nullable ProgressBar bar;
  private String validated = "";
  private long impossible;
  private long steps;
  private long firstStep;
  private long start;
  private long shown;

  /** Where a bar may be drawn, and in how many columns. */
  record Terminal(PrintStream out, int width) {}

  /** {@code terminal} is null where there is none. */
  TrainProgress(PrintWriter err, @Nullable Terminal terminal) {
    this.err = err;
    this.terminal = terminal;
  }

  /** stderr if it is a terminal; the launcher knows, and how wide. */
  static @Nullable Terminal terminal() {
    if (System.getProperty("ebflow.terminal") == null) {
      return null;
    }
    int width = Integer.getInteger("ebflow.terminal", USUAL_WIDTH);
    return new Terminal(System.err, width < LEAST_WIDTH ? USUAL_WIDTH : width);
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
        plan.run());
    if (terminal != null) {
      bar =
          new ProgressBarBuilder()
              .setTaskName("")
              .setInitialMax(steps)
              .startsFrom(firstStep, Duration.ZERO)
              .setUpdateIntervalMillis(BAR_MILLIS)
              .setStyle(ProgressBarStyle.ASCII)
              .setUnit(" steps", 1)
              // asked for its width itself, the library would take over Ctrl-C
              .setConsumer(new ConsoleProgressBarConsumer(terminal.out(), terminal.width() - 1))
              .showSpeed()
              .build();
    }
  }

  @Override
  public void stepped(Progress progress) {
    long now = System.nanoTime();
    if (now - shown < (bar == null ? LINE_NANOS : BAR_MILLIS * 1_000_000L)) {
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
          "step %d/%d: validation NLL %.4f nats, %.4f bits/dim%s%s%n",
          step,
          steps,
          validation.nll(),
          validation.bitsPerDimension(),
          validation.impossible() == 0 ? "" : " " + validation.countedRows(),
          best ? ", the best so far" : "");
    } else {
      validated = String.format(Locale.ROOT, ", NLL %.5g", validation.nll());
      if (validation.impossible() != impossible) { // a line of its own, below the bar
        impossible = validation.impossible();
        err.printf(
            Locale.ROOT,
            "%nstep %d/%d: validation NLL %.4f nats %s%n",
            step,
            steps,
            validation.nll(),
            validation.countedRows());
      }
      bar.stepTo(step);
    }
  }

  @Override
  public void noted(String line) {
    err.println(bar == null ? line : System.lineSeparator() + line); // below the bar
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
