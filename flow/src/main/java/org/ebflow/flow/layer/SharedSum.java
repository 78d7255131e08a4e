package org.ebflow.flow.layer;

import java.util.IdentityHashMap;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Worker;

/**
 * A sum over the workers of a pass (a reduce-scatter in shared memory), as one of them sees it:
 * each writes a part, then each adds some rows of all parts.
 */
final class SharedSum {
  private final Worker worker;
  private final RowKernels kernels;
  private final Matrix own;
  private final Matrix[] rowsOfParts;
  private final int height;
  private final IdentityHashMap<Matrix, Matrix> rowsOfSums = new IdentityHashMap<>();

  /** Sums of matrices [height,width], with memory in that slot. */
  SharedSum(Worker worker, Workspace kept, int slot, int height, int width) {
    this.worker = worker;
    this.height = height;
    kernels = kept.kernels().rows();
    Matrix[] parts = kept.parts(slot, height, width);
    own = parts[worker.rank()];
    rowsOfParts = new Matrix[parts.length];
    for (int i = 0; i < parts.length; i++) {
      rowsOfParts[i] = rows(parts[i]);
    }
  }

  /** This worker's part, to be written before {@link #addTo}. */
  Matrix own() {
    return own;
  }

  /**
   * Adds this worker's rows of all parts. Every worker calls it.
   *
   * @param sum these rows overwritten where {@code first}, else accumulated into, [height,width]
   */
  void addTo(boolean first, Matrix sum) {
    worker.barrier(); // all parts are written
    Matrix rows = rowsOfSums.get(sum);
    if (rows == null) {
      rows = rows(sum);
      rowsOfSums.put(sum, rows);
    }
    if (first) {
      rows.fill(0);
    }
    for (int i = 0; i < rowsOfParts.length; i++) {
      kernels.combine(1, rows, 1, rowsOfParts[i], rows);
    }
    worker.barrier(); // all parts are read
  }

  private Matrix rows(Matrix all) {
    return all.rows(worker.from(height), worker.to(height));
  }
}
