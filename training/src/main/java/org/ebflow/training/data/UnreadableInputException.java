package org.ebflow.training.data;

import org.ebflow.flow.InvalidInputException;

/**
 * A file that can't be read now, whatever it holds: a later try may succeed, so what was computed
 * of it is worth keeping.
 */
public final class UnreadableInputException extends InvalidInputException {
  private static final long serialVersionUID = 1;

  UnreadableInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
