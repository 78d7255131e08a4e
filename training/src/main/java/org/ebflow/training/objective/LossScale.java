package org.ebflow.training.objective;

/** How a score-matching loss is normalised: published learning rates depend on it. */
public enum LossScale {
  /** ssm and dsm divided by the dimension, sml halved: the published image recipes. */
  PER_DIMENSION,
  /**
   * ssm and dsm as they are, fdssm times the dimension, sml not halved: the published 2-D recipes.
   */
  PER_SAMPLE
}
