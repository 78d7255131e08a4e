package org.ebflow.flow.io;

import java.util.Locale;

/** Text from outside as part of one line of output: no control character reaches a terminal. */
public final class OneLine {
  private OneLine() {}

  /** A name exactly as it is, with control characters and line separators escaped as in Java. */
  public static String name(String name) {
    StringBuilder line = new StringBuilder(name.length());
    name.codePoints()
        .forEach(
            character -> {
              switch (Character.getType(character)) {
                case Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
                    line.append(escaped(character));
                default -> line.appendCodePoint(character);
              }
            });
    return line.toString();
  }

  private static String escaped(int character) {
    return switch (character) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default -> String.format(Locale.ROOT, "\\u%04x", character);
    };
  }

  /** A message that may be laid out in several lines: white space becomes single blanks. */
  public static String message(String message) {
    return name(message.replaceAll("\\s+", " "));
  }

  /** The message of a failure, {@code null} where it has none. */
  public static String message(Throwable failure) {
    return message(String.valueOf(failure.getMessage()));
  }
}
