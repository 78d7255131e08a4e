package org.ebflow.benchmarks;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What a kernel went through: with nanoseconds as the unit of time the columns read Gelem/s and
 * GB/s.
 */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Traffic {
  /** Elements gone through. */
  public long elements;

  /** Bytes that the program reads and writes. */
  public long bytes;

  /** Forgets what was counted. */
  @Setup(Level.Iteration)
  public void reset() {
    elements = 0;
    bytes = 0;
  }
}
