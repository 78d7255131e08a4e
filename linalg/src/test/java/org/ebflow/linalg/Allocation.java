package org.ebflow.linalg;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Heap allocation of a call in its steady state, on all threads together. */
final class Allocation {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Compilers of a busy machine take their time; a warm call ends the wait at once. */
  private static final long WARM_UP_NANOS = 60_000_000_000L;

  private Allocation() {}

  /**
   * Whole bytes per call of the best of several rounds: what the JIT compiler still causes while it
   * works is not the call's.
   */
  static long perCall(Runnable call, int callsPerRound) {
    long least = Long.MAX_VALUE;
    long deadline = System.nanoTime() + WARM_UP_NANOS;
    while (least > 0 && System.nanoTime() < deadline) {
      long before = THREADS.getTotalThreadAllocatedBytes();
      for (int i = 0; i < callsPerRound; i++) {
        call.run();
      }
      least = Math.min(least, (THREADS.getTotalThreadAllocatedBytes() - before) / callsPerRound);
    }
    return least;
  }
}
