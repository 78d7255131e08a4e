package org.ebflow.benchmarks;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What a product or a factorisation computed: with nanoseconds as the unit of time the column reads
 * GFLOP/s.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Arithmetic {
  /** Floating-point operations. */
  public double flop;

  /** Forgets what was counted. */
  @Setup(Level.Iteration)
  public void reset() {
    flop = 0;
  }
}
