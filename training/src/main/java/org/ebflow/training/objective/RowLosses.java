package org.ebflow.training.objective;

import java.util.Arrays;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/** Per-row losses of one worker, and the rows among them that are not finite. */
final class RowLosses {
  private final Matrix losses;
  private final boolean[] dropped;
  private int nonFinite;

  RowLosses(int rows) {
    losses = Matrix.allocate(Precision.FLOAT64, 1, rows);
    dropped = new boolean[rows];
  }

  /** Losses of the rows, [1,rows] nats. */
  Matrix matrix() {
    return losses;
  }

  double[] array() {
    return losses.doubles();
  }

  int nonFinite() {
    return nonFinite;
  }

  boolean dropped(int r) {
    return dropped[r];
  }

  /** Starts an evaluation: losses zero, no row dropped. */
  void begin() {
    losses.fill(0);
    Arrays.fill(dropped, false);
    nonFinite = 0;
  }

  /**
   * Sets losses that are not finite to zero, and zeroes their rows in the pass and in the seeds. A
   * zero seed alone would not do, since 0·NaN is NaN. Rows dropped before in the same evaluation
   * stay dropped.
   *
   * @param seed zeroed in those rows
   */
  void dropNonFinite(FlowPass pass, LogDet seed) {
    for (int r = 0; r < dropped.length; r++) {
      if (dropIfNonFinite(r)) {
        pass.zeroRow(r);
        for (int k = 0; k <= pass.order(); k++) {
          seed.order(k).set(0, r, 0);
        }
      }
    }
  }

  /** Whether the row is dropped: its loss is not finite, or it was dropped before. */
  boolean dropIfNonFinite(int r) {
    if (!dropped[r]) {
      if (Double.isFinite(array()[r])) {
        return false;
      }
      dropped[r] = true;
      nonFinite++;
    }
    array()[r] = 0;
    return true;
  }
}
