package org.ebflow.training;

/** Which rows the steps of a run take: each epoch all training rows, in an order of its own. */
final class Batches {
  private final int rows;
  private final int size;
  private final long perEpoch;
  private final long steps;
  private final EpochOrder order;

  /**
   * @param rows number of training rows
   * @param settings of which the batch size, the length of the run and the seed count
   */
  Batches(int rows, TrainingSettings settings) {
    this.rows = rows;
    size = Math.min(settings.batchSize(), rows);
    perEpoch = perEpoch(rows, size);
    steps = steps(rows, settings);
    order = new EpochOrder(rows, settings.seed());
  }

  private static long perEpoch(int rows, int size) {
    return ((long) rows + size - 1) / size;
  }

  /** Steps of a run on so many training rows. */
  static long steps(int rows, TrainingSettings settings) {
    return settings.totalSteps(perEpoch(rows, Math.min(settings.batchSize(), rows)));
  }

  /** Rows of a full batch. The last one of an epoch may have fewer. */
  int size() {
    return size;
  }

  /** Steps of an epoch. */
  long perEpoch() {
    return perEpoch;
  }

  /** Steps of the run. */
  long steps() {
    return steps;
  }

  /** Epoch of a step, both from 0. */
  long epoch(long step) {
    return step / perEpoch;
  }

  /** Where in the order of its epoch the batch of a step begins. */
  int start(long step) {
    return (int) (step % perEpoch) * size;
  }

  /** Rows in the batch of a step. */
  int rows(long step) {
    return Math.min(size, rows - start(step));
  }

  /**
   * Row numbers in the order of an epoch.
   *
   * @return read only, valid until the next call
   */
  int[] order(long epoch) {
    return order.of(epoch);
  }
}
