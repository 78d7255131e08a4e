package org.ebflow.cli;

import java.io.Console;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongConsumer;

/**
 * Rows and rows per second on stderr: rewritten in place on a terminal, a line now and then
 * elsewhere.
 */
final class RowProgress implements LongConsumer {
  private static final long TERMINAL_NANOS = 300_000_000L;
  private static final long LINE_NANOS = 10_000_000_000L;

  private final PrintWriter err;
  private final boolean terminal = onTerminal();
  private final long start = System.nanoTime();
  private long shown = start;
  private long rows;

  RowProgress(PrintWriter err) {
    this.err = err;
  }

  @SuppressWarnings("SystemConsoleNull") // it is null again from Java 25 on where there is none
  private static boolean onTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  @Override
  public void accept(long rowsSoFar) {
    rows = rowsSoFar;
    long now = System.nanoTime();
    if (now - shown >= (terminal ? TERMINAL_NANOS : LINE_NANOS)) {
      shown = now;
      err.print(
          (terminal ? "\r" : "") + number(rows) + " rows, " + rate() + (terminal ? "   " : "\n"));
      err.flush();
    }
  }

  /** One last line: {@code done}, how long it took, and {@code more}. */
  void finish(String done, String more) {
    err.printf(
        Locale.ROOT,
        "%s%s in %.1f s (%s)%s%n",
        terminal ? "\r" : "",
        done,
        seconds(),
        rate(),
        more);
    err.flush();
  }

  private String rate() {
    return number(Math.round(rows / Math.max(1e-9, seconds()))) + " rows/s";
  }

  private double seconds() {
    return (System.nanoTime() - start) * 1e-9;
  }

  static String number(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }
}
