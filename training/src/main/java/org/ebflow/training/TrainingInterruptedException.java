package org.ebflow.training;

/** Training was asked to stop; its state is saved and can be resumed. */
public final class TrainingInterruptedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  TrainingInterruptedException(String message) {
    super(message);
  }
}
