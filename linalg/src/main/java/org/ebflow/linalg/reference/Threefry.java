package org.ebflow.linalg.reference;

/**
 * The block cipher Threefry-2x32 with 20 rounds as a counter-based generator.
 *
 * <p>Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. A
 * pair of 32-bit words is held in a long, word 0 in the low half.
 */
public final class Threefry {
  private static final int PARITY = 0x1BD11BDA;

  private Threefry() {}

  /** The block of that counter under that key. */
  public static long block(long key, long counter) {
    int k0 = (int) key;
    int k1 = (int) (key >>> 32);
    int k2 = k0 ^ k1 ^ PARITY;
    int x0 = (int) counter + k0;
    int x1 = (int) (counter >>> 32) + k1;
    for (int group = 1; group <= 5; group++) {
      boolean odd = (group & 1) == 1;
      x0 += x1;
      x1 = Integer.rotateLeft(x1, odd ? 13 : 17) ^ x0;
      x0 += x1;
      x1 = Integer.rotateLeft(x1, odd ? 15 : 29) ^ x0;
      x0 += x1;
      x1 = Integer.rotateLeft(x1, odd ? 26 : 16) ^ x0;
      x0 += x1;
      x1 = Integer.rotateLeft(x1, odd ? 6 : 24) ^ x0;
      int used = k0;
      k0 = k1;
      k1 = k2;
      k2 = used;
      x0 += k0;
      x1 += k1 + group;
    }
    return (x0 & 0xFFFF_FFFFL) | ((long) x1 << 32);
  }
}
