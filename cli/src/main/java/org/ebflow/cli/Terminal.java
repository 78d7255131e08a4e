package org.ebflow.cli;

import java.io.PrintStream;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Where a progress bar may be drawn, and in how many columns. */
record Terminal(PrintStream out, int width) {
  /** Time between two drawings. */
  static final int BAR_MILLIS = 250;

  private static final int USUAL_WIDTH = 80;
  private static final int LEAST_WIDTH = 40;

  /** stderr, or null if it is no terminal; the launcher knows, and how wide. */
  static @Nullable Terminal ofStderr() {
    if (System.getProperty("ebflow.terminal") == null) {
      return null;
    }
    int width = Integer.getInteger("ebflow.terminal", USUAL_WIDTH);
    return new Terminal(System.err, width < LEAST_WIDTH ? USUAL_WIDTH : width);
  }

  /**
   * A bar with its speed, to be ended by {@link #end}.
   *
   * @param unit what is counted
   * @param from number of them done before
   * @param all number of them at the end, -1 where it is unknown
   */
  ProgressBar bar(String unit, long from, long all) {
    return new ProgressBarBuilder()
        .setTaskName("")
        .setInitialMax(all)
        .startsFrom(from, Duration.ZERO)
        .setUpdateIntervalMillis(BAR_MILLIS)
        .setStyle(ProgressBarStyle.ASCII)
        .setUnit(" " + unit, 1)
        // asked for its width itself, the library would take over Ctrl-C
        .setConsumer(new Line(out, width - 1))
        .showSpeed()
        .build();
  }

  /** Draws the bar a last time and ends its line. */
  void end(ProgressBar bar) {
    bar.close();
    out.println();
  }

  /** The library ends a line only where it has drawn the bar before: that is left to us. */
  private static final class Line extends ConsoleProgressBarConsumer {
    Line(PrintStream out, int width) {
      super(out, width);
    }

    @Override
    public void close() {}
  }
}
