package org.ebflow.linalg;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Heap allocation of a call in its steady state, on all threads together. */
final class Allocation {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /**
   * Of this thread's CPU time, as a busy machine's compilers are late; a warm call ends the wait.
   */
  private static final long WARM_UP_NANOS = 60_000_000_000L;

  private Allocation() {}

  /**
   * Whole bytes per call of the best of several rounds: what the JIT compiler still causes while it
   * works is not the call's.
   */
  static long perCall(Runnable call, int callsPerRound) {
    long least = Long.MAX_VALUE;
    long deadline = THREADS.getCurrentThreadCpuTime() + WARM_UP_NANOS;
    while (least > 0 && THREADS.getCurrentThreadCpuTime() < deadline) {
      long before = THREADS.getTotalThreadAllocatedBytes();
      for (int i = 0; i < callsPerRound; i++) {
        call.run();
      }
      least = Math.min(least, (THREADS.getTotalThreadAllocatedBytes() - before) / callsPerRound);
    }
    return least;
  }
}
