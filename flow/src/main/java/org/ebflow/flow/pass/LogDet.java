package org.ebflow.flow.pass;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Streams;

/**
 * Jet of one float64 number per sample in nats (a log-determinant, a log-density, or the cotangent
 * of one) for this worker's rows.
 */
public final class LogDet {
  private final Matrix[] orders;
  private final Streams tuple;

  /** Zero for so many rows. */
  public LogDet(int order, int rows) {
    orders = new Matrix[order + 1];
    for (int k = 0; k <= order; k++) {
      orders[k] = Matrix.allocate(Precision.FLOAT64, 1, rows);
    }
    tuple = new Streams(orders[0], order >= 1 ? orders[1] : null, order >= 2 ? orders[2] : null);
  }

  /** The derivative of that order, float64 [1,rows]. */
  public Matrix order(int k) {
    return orders[k];
  }

  /** All orders. */
  public Streams orders() {
    return tuple;
  }

  /** Sets every row of one order. */
  public void fill(int k, double value) {
    orders[k].fill(value);
  }
}
