package org.ebflow.training.scoring;

import java.util.Locale;

/** How log-likelihoods and what is made of them are printed: NLL, bits per dimension, log Z. */
public final class LikelihoodText {
  private static final double LARGE = 1e6;

  private LikelihoodText() {}

  /** Four decimals below a million, five digits and a power of ten from there on. */
  public static String of(double value) {
    return String.format(Locale.ROOT, Math.abs(value) < LARGE ? "%.4f" : "%.4e", value);
  }
}
