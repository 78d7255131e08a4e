package org.ebflow.training.objective;

import org.ebflow.flow.Flow;
import org.ebflow.linalg.Matrix;

/** What the passes of all objectives hold: this worker's rows of the batch and their losses. */
abstract class BatchPass implements ObjectivePass {
  final Matrix data;
  final RowLosses losses;
  final BatchShare share;

  BatchPass(Flow flow, int rows, BatchShare share) {
    this.data = Matrix.allocate(flow.precision(), rows, flow.dimension());
    this.losses = new RowLosses(rows);
    this.share = share;
  }

  @Override
  public final Matrix data() {
    return data;
  }

  @Override
  public final Matrix losses() {
    return losses.matrix();
  }

  @Override
  public final int nonFinite() {
    return losses.nonFinite();
  }
}
