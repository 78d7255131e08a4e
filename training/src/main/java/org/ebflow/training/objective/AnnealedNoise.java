package org.ebflow.training.objective;

/**
 * Standard deviation of noise that falls, or rises, geometrically with the steps: from σ₀ at step 0
 * to σ at step T, where it stays: σ(t) = σ (σ₀/σ)^(1 - t/T).
 *
 * @param deviation σ; 0 for no noise in any step
 * @param start σ₀, the same as σ where T is 0
 * @param steps T, 0 for σ in all steps
 */
public record AnnealedNoise(double deviation, double start, long steps) {
  /** Refuses impossible values. */
  public AnnealedNoise {
    requireFinite(deviation >= 0, "noise", deviation, "zero or a positive number");
    if (steps < 0) {
      throw new IllegalArgumentException("anneal_steps is " + steps + ", expected at least 0");
    }
    requireFinite(start > 0 || steps == 0, "start_noise", start, "a positive number");
    if (deviation == 0 || steps == 0) {
      start = deviation;
      steps = 0;
    }
  }

  /** The same in all steps. */
  public static AnnealedNoise constant(double deviation) {
    return new AnnealedNoise(deviation, deviation, 0);
  }

  private static void requireFinite(boolean holds, String name, double value, String expected) {
    if (!(holds && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(name + " is " + value + ", expected " + expected);
    }
  }

  /** Whether there is noise, in all steps or in none. */
  public boolean any() {
    return deviation > 0;
  }

  /** The same with T no longer than a run, so that the last step's noise is about σ. */
  public AnnealedNoise within(long runSteps) {
    return new AnnealedNoise(deviation, start, Math.min(steps, runSteps));
  }

  /** σ of that step, counted from 0. */
  public double at(long step) {
    return step >= steps
        ? deviation
        : deviation * StrictMath.pow(start / deviation, 1 - (double) step / steps);
  }
}
