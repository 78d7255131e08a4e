package org.ebflow.training.objective;

/**
 * The rows of a batch that one process computes: all of them, or a contiguous part where several
 * replicas divide it.
 *
 * <p>Noise is drawn by a row's number in the whole batch, and gradients are those of the whole
 * batch's mean. So the sums of all shares are those of one process, up to rounding.
 *
 * @param first number of the share's first row in the batch
 * @param rows of the share
 * @param batch rows of the whole batch
 */
public record BatchShare(int first, int rows, int batch) {
  /** Refuses rows outside of the batch. */
  public BatchShare {
    if (rows < 1 || first < 0 || first > batch - rows) {
      throw new IllegalArgumentException(
          "BatchShare: rows "
              + first
              + " to "
              + (first + rows)
              + " of a batch of "
              + batch
              + ", expected a part of at least one row");
    }
  }

  /** All rows of a batch. */
  public static BatchShare whole(int batch) {
    return new BatchShare(0, batch, batch);
  }

  /**
   * The share of one of {@code size} processes, at most as many as rows; they differ by one row.
   */
  public static BatchShare of(int rank, int size, int batch) {
    int from = (int) ((long) batch * rank / size);
    int to = (int) ((long) batch * (rank + 1) / size);
    return new BatchShare(from, to - from, batch);
  }
}
