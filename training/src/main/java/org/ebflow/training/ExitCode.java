package org.ebflow.training;

import java.io.UncheckedIOException;
import org.ebflow.flow.InvalidInputException;

/** Exit codes of the programs that train and score. */
public final class ExitCode {
  /** A check failed, or the training diverged. */
  public static final int CHECK_FAILED = 1;

  /** Wrong usage or input. */
  public static final int INVALID_INPUT = 2;

  /** Interrupted, with the state saved. */
  public static final int INTERRUPTED = 3;

  /** A fault of the program. */
  public static final int FAULT = 70;

  private ExitCode() {}

  /**
   * The code of a program that such a failure ends; its message is one line unless it's a fault.
   */
  public static int of(Class<? extends Throwable> failure) {
    if (TrainingInterruptedException.class.isAssignableFrom(failure)) {
      return INTERRUPTED;
    }
    if (TrainingDivergedException.class.isAssignableFrom(failure)) {
      return CHECK_FAILED;
    }
    return InvalidInputException.class.isAssignableFrom(failure)
            || IllegalArgumentException.class.isAssignableFrom(failure)
            || UncheckedIOException.class.isAssignableFrom(failure)
        ? INVALID_INPUT
        : FAULT;
  }
}
