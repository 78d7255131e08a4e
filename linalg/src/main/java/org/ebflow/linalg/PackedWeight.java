package org.ebflow.linalg;

import org.ebflow.linalg.backend.PackedOperand;

/**
 * A weight [n,k] packed once for many products x·weightᵀ, see {@link Blas#pack}. It is a copy:
 * later changes of the weight do not reach it. What {@link Blas#keep} gives is the weight itself.
 *
 * <p>Memory: the packed copy is native. Each product borrows memory for native copies of x and y
 * from a store that all weights share.
 *
 * <p>Threading: thread-safe, but for {@link #close}, which no other call may run beside or follow.
 */
public final class PackedWeight implements AutoCloseable {
  private final PackedOperand packed;
  private final int rows;
  private final int columns;
  private final int leastRows;
  private final Class<? extends Operand> format;
  private final Precision precision; // of the sums

  /** Products of fewer than {@code leastRows} rows are computed with that many. */
  PackedWeight(PackedOperand packed, Operand weight, int leastRows) {
    this.packed = packed;
    this.leastRows = leastRows;
    this.rows = weight.rows();
    this.columns = weight.columns();
    this.format = weight.getClass();
    this.precision = weight instanceof Matrix exact ? exact.precision() : Precision.FLOAT32;
  }

  /** Whether {@code x} is in the format of the weight, float32 or rounded to bfloat16. */
  public boolean accepts(Operand x) {
    return x.getClass() == format;
  }

  /**
   * y ← x·weightᵀ on the calling thread.
   *
   * @param x read, [m,k], in the format of the weight
   * @param y overwritten, [m,n], float32, or float64 as the weight
   */
  public void multiply(Operand x, Matrix y) {
    boolean fits = x.columns() == columns && y.columns() == rows && x.rows() == y.rows();
    boolean same = !(x instanceof Matrix exact) || exact.precision() == precision;
    if (!fits || !accepts(x) || !same || y.precision() != precision) {
      throw new IllegalArgumentException(
          "PackedWeight.multiply: x is "
              + x
              + ", y is "
              + y
              + ", expected [m,"
              + columns
              + "] in the format of the weight and [m,"
              + rows
              + "] "
              + precision);
    }
    if (x.rows() > 0) {
      packed.multiply(x, y, Math.max(leastRows, x.rows()));
    }
  }

  /** Frees the native memory now rather than when the garbage collector comes round. */
  @Override
  public void close() {
    packed.close();
  }
}
