package org.ebflow.training;

import org.ebflow.training.data.Shuffle;

/** The shuffled order of the training rows, of one epoch at a time. */
final class EpochOrder {
  private final int[] order;
  private final long seed;
  private long epoch = -1;

  EpochOrder(int rows, long seed) {
    order = new int[rows];
    this.seed = seed;
  }

  /**
   * Row numbers in the order of an epoch. Allocates nothing.
   *
   * @param wanted number of the epoch, from 0
   * @return [rows], read only, valid until the next call
   */
  int[] of(long wanted) {
    if (wanted != epoch) {
      Shuffle.fill(order, seed, wanted);
      epoch = wanted;
    }
    return order;
  }
}
