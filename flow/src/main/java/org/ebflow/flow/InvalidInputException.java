package org.ebflow.flow;

/**
 * Data from outside that cannot be used: the message is one line that names the file, what was
 * expected and what was found.
 */
public class InvalidInputException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** With the line to show. */
  public InvalidInputException(String message) {
    super(message);
  }

  /** With the line to show and what led to it. */
  public InvalidInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
