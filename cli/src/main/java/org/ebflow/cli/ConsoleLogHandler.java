package org.ebflow.cli;

import java.io.PrintWriter;
import java.text.MessageFormat;
import java.util.Locale;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.ebflow.flow.io.OneLine;

/** What the libraries log, one plain line each; of those that are not EBFlow's, only warnings. */
final class ConsoleLogHandler extends Handler {
  private static final String OURS = "org.ebflow.";

  private final PrintWriter err;

  private ConsoleLogHandler(PrintWriter err) {
    this.err = err;
    setFormatter(new SimpleFormatter());
  }

  /** From now on to that writer, and nowhere else. */
  static void to(PrintWriter err) {
    LogManager.getLogManager().reset();
    Logger root = Logger.getLogger("");
    root.setLevel(Level.INFO);
    root.addHandler(new ConsoleLogHandler(err));
  }

  @Override
  public void publish(LogRecord record) {
    boolean warning = record.getLevel().intValue() >= Level.WARNING.intValue();
    if (!warning && !String.valueOf(record.getLoggerName()).startsWith(OURS)) {
      return;
    }
    String message = OneLine.message(text(record));
    err.println(warning ? "ebflow: warning: " + message : "ebflow: " + message);
  }

  /** The message with its numbers written as everywhere, whatever the locale. */
  private String text(LogRecord record) {
    Object[] parameters = record.getParameters();
    if (parameters == null || parameters.length == 0) {
      return getFormatter().formatMessage(record);
    }
    try {
      return new MessageFormat(record.getMessage(), Locale.ROOT).format(parameters);
    } catch (IllegalArgumentException _) { // no such pattern
      return record.getMessage();
    }
  }

  @Override
  public void flush() {
    err.flush();
  }

  @Override
  public void close() {
    flush();
  }
}
