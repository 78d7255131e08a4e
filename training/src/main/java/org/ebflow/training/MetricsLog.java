package org.ebflow.training;

import java.util.Locale;
import java.util.Objects;
import org.ebflow.training.scoring.Evaluation;

/** The rows of a run's metrics.csv, and the clock behind their times. */
final class MetricsLog {
  /** First line of the file. */
  static final String HEADER =
      "step,epoch,wall_s,loss,grad_norm,lr,nonfinite,val_nll,val_bpd,steps_per_s\n";

  private final RunFolder folder;
  private long startNanos;
  private long measuredFromNanos;
  private long measuredFromStep;

  MetricsLog(RunFolder folder) {
    this.folder = folder;
  }

  /**
   * Starts the clock.
   *
   * @param wallSeconds what it shows at the start, that of the checkpoint
   * @param step number of steps made
   */
  void start(double wallSeconds, long step) {
    startNanos = System.nanoTime() - (long) (wallSeconds * 1e9);
    measureFrom(step);
  }

  /** Seconds that the run has trained, over all its resumptions; 0 before the start. */
  double wallSeconds() {
    return startNanos == 0 ? 0 : (System.nanoTime() - startNanos) * 1e-9;
  }

  /** Measures the rate of steps anew from here, after something that is no step. */
  void measureFrom(long step) {
    measuredFromNanos = System.nanoTime();
    measuredFromStep = step;
  }

  /** Steps per second since the last row. */
  double stepsPerSecond(long step) {
    double seconds = (System.nanoTime() - measuredFromNanos) * 1e-9;
    return (step - measuredFromStep) / Math.max(1e-9, seconds);
  }

  /**
   * Appends the row of the steps since the last one.
   *
   * @param step number of steps made
   * @param loss mean of these steps
   * @param norm of the last gradient
   * @param rate learning rate of the last step
   * @param nonFinite rows of these steps whose loss was not finite
   */
  void appendSteps(long step, long epoch, double loss, double norm, double rate, long nonFinite) {
    append(
        step,
        epoch,
        number(loss),
        number(norm),
        number(rate),
        String.valueOf(nonFinite),
        "",
        "",
        String.format(Locale.ROOT, "%.2f", stepsPerSecond(step)));
    measureFrom(step);
  }

  /** Appends the row of an evaluation on the validation rows. */
  void appendEvaluation(long step, long epoch, Evaluation validation) {
    append(
        step,
        epoch,
        "",
        "",
        "",
        "0",
        number(validation.nll()),
        number(validation.bitsPerDimension()),
        "");
  }

  private void append(long step, long epoch, String... further) {
    folder.appendMetrics(
        step
            + ","
            + epoch
            + String.format(Locale.ROOT, ",%.3f,", wallSeconds())
            + String.join(",", further));
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "" : Objects.toString(value);
  }
}
