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

  /** The shell's code of a program that an interrupt ended: nothing was saved. */
  private static final int ENDED_BY_SIGNAL = 130;

  private final Object previousInt;
  private final Object previousTerm;

  /**
   * From now on a signal calls {@code stop}.
   *
   * @param piece what is finished before the end, as "step"
   */
  StopSignals(String piece, Runnable stop, PrintWriter err) {
    AtomicLong askedAt = new AtomicLong();
    Runnable handler =
        () -> {
          long now = System.nanoTime();
          if (askedAt.compareAndSet(0, now)) {
            err.println("ebflow: stopping after this " + piece + "; once more ends at once");
            stop.run();
          } else if (now - askedAt.get() > PATIENCE_NANOS) {
            Runtime.getRuntime().halt(ENDED_BY_SIGNAL);
          }
        };
    previousInt = Signals.register("INT", handler);
    previousTerm = Signals.register("TERM", handler);
  }

  /** Gives signals back their former meaning. */
  void restore() {
    Signals.unregister("INT", previousInt);
    Signals.unregister("TERM", previousTerm);
  }
}
