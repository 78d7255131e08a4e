package org.ebflow.training.data;

import java.util.SplittableRandom;

/**
 * Uniform and normal numbers that are the same bits on every platform: + - × ÷ sqrt, and StrictMath
 * for the logarithm.
 */
public final class PortableRandom {
  private final SplittableRandom random;
  private double spare;
  private boolean hasSpare;

  /** A stream that is a pure function of the seed. */
  public PortableRandom(long seed) {
    random = new SplittableRandom(seed);
  }

  /** Uniform on [0, 1). */
  public double uniform() {
    return (random.nextLong() >>> 11) * 0x1p-53;
  }

  /** True with probability one half. */
  public boolean coin() {
    return random.nextLong() < 0;
  }

  /** A whole number from 0 to {@code bound} - 1, {@code bound} a power of two. */
  public int below(int bound) {
    return (int) Math.unsignedMultiplyHigh(random.nextLong(), bound);
  }

  /** Standard normal, by Marsaglia's polar method. */
  public double normal() {
    if (hasSpare) {
      hasSpare = false;
      return spare;
    }
    double u;
    double v;
    double square;
    do {
      u = 2 * uniform() - 1;
      v = 2 * uniform() - 1;
      square = u * u + v * v;
    } while (square >= 1 || square == 0);
    double radius = Math.sqrt(-2 * StrictMath.log(square) / square);
    spare = v * radius;
    hasSpare = true;
    return u * radius;
  }
}
