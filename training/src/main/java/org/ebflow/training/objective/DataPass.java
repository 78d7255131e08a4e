package org.ebflow.training.objective;

import org.ebflow.flow.Flow;
import org.ebflow.linalg.Matrix;

/** What the passes of all objectives hold: this worker's rows of the batch and their losses. */
abstract class DataPass implements ObjectivePass {
  final Matrix data;
  final Rows rows;
  final int batch;

  DataPass(Flow flow, int rows, int batch) {
    this.data = Matrix.allocate(flow.precision(), rows, flow.dimension());
    this.rows = new Rows(rows);
    this.batch = batch;
  }

  @Override
  public final Matrix data() {
    return data;
  }

  @Override
  public final Matrix losses() {
    return rows.losses();
  }

  @Override
  public final int nonFinite() {
    return rows.nonFinite();
  }
}
