package org.ebflow.cli;

import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import org.ebflow.cli.table.ScoringProgress;
import org.ebflow.flow.io.OneLine;
import org.jspecify.annotations.Nullable;

/**
 * Rows and rows per second on stderr: one line that is rewritten on a terminal, a plain line now
 * and then elsewhere.
 */
final class RowProgress implements ScoringProgress, AutoCloseable {
  private static final long LINE_NANOS = 10_000_000_000L;

  private final PrintWriter err;
  private final @Nullable Terminal terminal;
  private @Nullable ProgressBar bar;
  private final long all;
  private final long start = System.nanoTime();
  private long shown = start;
  private long rows;
  private long before;

  /**
   * @param terminal null where there is none
   * @param all number of rows at the end, -1 where it is unknown
   */
  RowProgress(PrintWriter err, @Nullable Terminal terminal, long all) {
    this.err = err;
    this.terminal = terminal;
    this.all = all;
    bar = terminal == null ? null : terminal.bar("rows", 0, all);
  }

  @Override
  public void resumed(long rowsBefore) {
    before = rowsBefore;
    rows = rowsBefore;
    err.println("going on behind " + number(rowsBefore) + " rows that are scored");
  }

  @Override
  public void scored(long rowsSoFar) {
    rows = rowsSoFar;
    if (bar != null) {
      bar.stepTo(rows);
      return;
    }
    long now = System.nanoTime();
    if (now - shown >= LINE_NANOS) {
      shown = now;
      err.println(number(rows) + " rows, " + rate() + toGo(seconds()));
    }
  }

  /** One last line: {@code done}, how long it took, and {@code more}. */
  void finish(String done, String more) {
    double seconds = seconds();
    String rate = rate();
    close();
    err.println(
        OneLine.name(String.format(Locale.ROOT, "%s in %.1f s (%s)%s", done, seconds, rate, more)));
  }

  /** How long the rest will take after so many seconds, where that can be told. */
  String toGo(double seconds) {
    return all < 0 || rows <= before
        ? ""
        : number(Math.round((all - rows) * seconds / (rows - before)))
            .transform(left -> ", about " + left + " s to go");
  }

  private String rate() {
    return number(Math.round((rows - before) / Math.max(1e-9, seconds()))) + " rows/s";
  }

  private double seconds() {
    return (System.nanoTime() - start) * 1e-9;
  }

  static String number(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  @Override
  public void close() {
    if (terminal != null && bar != null) {
      terminal.end(bar);
      bar = null;
    }
  }
}
