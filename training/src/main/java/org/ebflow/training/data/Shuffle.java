package org.ebflow.training.data;

/**
 * The order in which an epoch visits its rows: a permutation that is a pure function of (seed,
 * epoch, number of rows).
 */
public final class Shuffle {
  private Shuffle() {}

  /**
   * Fills {@code order} with a permutation of 0 … length-1 (Fisher–Yates). Allocates nothing.
   *
   * @param order [rows], overwritten
   */
  public static void fill(int[] order, long seed, long epoch) {
    long key = SplitMix64.mix(seed, epoch);
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    for (int i = order.length - 1; i > 0; i--) {
      long bits = SplitMix64.mix(key + i * SplitMix64.GOLDEN_GAMMA);
      int j =
          (int)
              Math.unsignedMultiplyHigh(
                  bits, i + 1L); // floor(u·(i+1)), u uniform on [0,1): bias below 2^-32
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }
}
