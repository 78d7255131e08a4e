package org.ebflow.training;

/** How the learning rate falls over a training run, behind its warm-up. */
public enum RateSchedule {
  /** By a factor after each of the first epochs. */
  STEP,
  /** Along half a cosine, from the whole rate after the warm-up to 0 at the last step. */
  COSINE
}
