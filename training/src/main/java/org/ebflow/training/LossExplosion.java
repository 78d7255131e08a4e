package org.ebflow.training;

import java.util.Locale;
import java.util.Optional;

/**
 * Notices, once, that the loss of a step is far above that of the first step since the run began or
 * was resumed.
 *
 * <p>Optimizers that divide by a gradient's own size move every weight by about the learning rate,
 * and RMSprop in its first step by 1/√(1-decay) times it. In a dense layer of D columns these moves
 * add up to D times that: rows as wide as those of large pictures need a lower rate, or a warm-up.
 */
final class LossExplosion {
  private static final double FACTOR = 100;

  private final boolean warmsUp;
  private final double learningRate;
  private double first = Double.NaN;
  private long firstStep;
  private boolean noticed;

  LossExplosion(TrainingSettings settings, double learningRate) {
    this.warmsUp = settings.warmupSteps() > 0;
    this.learningRate = learningRate;
  }

  /** What to tell the user after a step, if anything. */
  Optional<String> after(long step, double loss) {
    if (Double.isNaN(first)) {
      first = loss;
      firstStep = step;
    }
    if (noticed || !(loss > FACTOR * Math.max(1, Math.abs(first)))) {
      return Optional.empty();
    }
    noticed = true;
    return Optional.of(
        String.format(
            Locale.ROOT,
            "the loss rose from %.4g at step %d to %.4g at step %d: unless it comes back, train anew with %s--lr %.0e",
            first,
            firstStep,
            loss,
            step,
            warmsUp ? "" : "--set training.warmup_steps=500 or ",
            learningRate / 10));
  }
}
