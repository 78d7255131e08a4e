package org.ebflow.linalg;

import org.ebflow.linalg.reference.Threefry;

/**
 * Noise as a pure function of (seed, purpose, step, row): there is no stream and no state to save,
 * and the numbers are the same for any number of threads.
 *
 * <p>Threading: immutable.
 *
 * @param seed of all noise
 */
public record Noise(long seed) {
  /** The key of one draw. Draws with different purposes or steps are independent. */
  public long key(int purpose, long step) {
    return Threefry.block(Threefry.block(seed, purpose), step);
  }

  /** Overwrites the contiguous rows {@code firstRow}… of one draw with independent signs ±1. */
  public void rademacher(int purpose, long step, long firstRow, Matrix out) {
    KernelChoice.fastest(out.precision()).noise().rademacher(key(purpose, step), firstRow, out);
  }

  /** Overwrites the contiguous rows {@code firstRow}… of one draw with numbers uniform on [0,1). */
  public void uniform(int purpose, long step, long firstRow, Matrix out) {
    KernelChoice.fastest(out.precision()).noise().uniform(key(purpose, step), firstRow, out);
  }

  /** Overwrites the contiguous rows {@code firstRow}… of one draw with standard normal numbers. */
  public void gaussian(int purpose, long step, long firstRow, Matrix out) {
    KernelChoice.fastest(out.precision()).noise().gaussian(key(purpose, step), firstRow, out);
  }

  /**
   * Overwrites the contiguous rows {@code firstRow}… of one draw with standard normal numbers in
   * antithetic pairs: row 2i + 1 is the negative of row 2i.
   */
  public void antithetic(int purpose, long step, long firstRow, Matrix out) {
    KernelChoice.fastest(out.precision()).noise().antithetic(key(purpose, step), firstRow, out);
  }
}
