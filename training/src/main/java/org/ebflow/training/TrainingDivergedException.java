package org.ebflow.training;

/**
 * Weights, too many losses in a row or all validation NLLs were not finite; the message names the
 * last good checkpoint and the likely cause.
 */
public final class TrainingDivergedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  TrainingDivergedException(String message) {
    super(message);
  }
}
