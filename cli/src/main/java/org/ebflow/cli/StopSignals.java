package org.ebflow.cli;

import java.io.PrintWriter;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jline.utils.Signals;

/**
 * Ctrl-C and SIGTERM while a run trains: the first asks it to save and stop, the second ends the
 * program at once.
 */
final class StopSignals {
  private final Object previousInt;
  private final Object previousTerm;

  /** From now on a signal calls {@code stop}. */
  StopSignals(Runnable stop, PrintWriter err) {
    AtomicBoolean asked = new AtomicBoolean();
    Runnable handler =
        () -> {
          if (asked.getAndSet(true)) {
            Runtime.getRuntime().halt(Ebflow.INTERRUPTED);
          }
          err.println("ebflow: stopping after this step; once more ends at once");
          stop.run();
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
