package org.ebflow.training.data;

/**
 * The mixing function of SplitMix64 (Steele, Lea, Flood 2014): seeds and short streams as pure
 * functions of their indices.
 */
public final class SplitMix64 {
  static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private SplitMix64() {}

  /** Mixes the bits of {@code value}: the finaliser of SplitMix64. */
  public static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** A seed that depends on both arguments. */
  static long mix(long seed, long index) {
    return mix(mix(seed + GOLDEN_GAMMA) + (index + 1) * GOLDEN_GAMMA);
  }
}
