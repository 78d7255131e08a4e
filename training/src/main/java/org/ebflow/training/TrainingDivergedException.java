package org.ebflow.training;

/**
 * Too many steps in a row had losses that are not finite; the message names the last good
 * checkpoint and the likely cause.
 */
public final class TrainingDivergedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  TrainingDivergedException(String message) {
    super(message);
  }
}
