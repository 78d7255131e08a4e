package org.ebflow.linalg;

/**
 * Counter-based noise by Threefry-2x32 with 20 rounds (Salmon et al. 2011): element (r, c) is a
 * pure function of (key, row number, c, width), whatever the thread, the batch or the precision it
 * is rounded to.
 *
 * <p>Row r of {@code out} has the row number {@code firstRow + r}. Matrices are contiguous.
 */
public interface NoiseKernels {
  /** Independent signs ±1. */
  void rademacher(long key, long firstRow, Matrix out);

  /** Uniform on [0,1), multiples of 2⁻²⁴ in both precisions. */
  void uniform(long key, long firstRow, Matrix out);

  /** Standard normal by Box and Muller. */
  void gaussian(long key, long firstRow, Matrix out);

  /**
   * Standard normal in antithetic pairs: row number 2i is row number i of {@link #gaussian}, row
   * number 2i + 1 its negative.
   */
  void antithetic(long key, long firstRow, Matrix out);
}
