package org.ebflow.training;

import java.util.Locale;

/**
 * A density of closed form that a model should beat: docs/derivations/baselines.md.
 *
 * <p>It is fitted to the training rows of a run, dequantised as the run's are. So its NLL is in the
 * units of the model's.
 */
public enum Baseline {
  /** One Gaussian of full covariance, of the columns or of the logits of pixels. */
  GAUSSIAN("Gaussian"),

  /** Columns that are independent, each by its own distribution. */
  MARGINS("margins"),

  /** A Gaussian behind the margins: a Gaussian copula. */
  COPULA("copula");

  private final String title;

  Baseline(String title) {
    this.title = title;
  }

  /** What it is called in text. */
  public String title() {
    return title;
  }

  /** What it is called in the names of files and of JSON: gaussian, margins or copula. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
