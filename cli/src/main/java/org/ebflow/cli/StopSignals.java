package org.ebflow.cli;

import java.io.PrintWriter;
import java.util.concurrent.atomic.AtomicLong;
import org.jline.utils.Signals;

/**
 * Ctrl-C and SIGTERM while a run trains: the first asks it to save and stop, one more after a
 * second ends the program at once. Sooner ones are the same wish again: some senders signal a
 * process and its group.
 */
final class StopSignals {
  private static final long PATIENCE_NANOS = 1_000_000_000;

  /** The shell's codes of a program that a signal ended: what it was writing is unfinished. */
  private static final int ENDED_BY_INT = 128 + 2;

  private static final int ENDED_BY_TERM = 128 + 15;

  private final AtomicLong askedAt = new AtomicLong();
  private final Object previousInt;
  private final Object previousTerm;

  /**
   * From now on a signal calls {@code stop}.
   *
   * @param piece what is finished before the end, as "step"
   */
  StopSignals(String piece, Runnable stop, PrintWriter err) {
    Runnable first =
        () -> {
          err.println("ebflow: stopping after this " + piece + "; once more ends at once");
          stop.run();
        };
    previousInt = Signals.register("INT", () -> received(first, ENDED_BY_INT));
    previousTerm = Signals.register("TERM", () -> received(first, ENDED_BY_TERM));
  }

  private void received(Runnable first, int ended) {
    long now = System.nanoTime();
    if (askedAt.compareAndSet(0, now)) {
      first.run();
    } else if (now - askedAt.get() > PATIENCE_NANOS) {
      Runtime.getRuntime().halt(ended);
    }
  }

  /** Gives signals back their former meaning. */
  void restore() {
    Signals.unregister("INT", previousInt);
    Signals.unregister("TERM", previousTerm);
  }
}
