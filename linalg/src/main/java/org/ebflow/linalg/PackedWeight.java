package org.ebflow.linalg;

import org.ebflow.linalg.backend.PackedOperand;

/**
 * A weight [n,k] packed once for many products x·weightᵀ, see {@link Blas#pack}. It is a copy:
 * later changes of the weight do not reach it.
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
  private final int few;
  private final int many;
  private final Class<? extends Operand> format;

  /**
   * A product is computed with {@code few} rows if it has no more, else with {@code many}.
   *
   * @param few at most {@code many}; the kernels give a row the same bits among either number
   */
  PackedWeight(PackedOperand packed, Operand weight, int few, int many) {
    this.packed = packed;
    this.few = few;
    this.many = many;
    this.rows = weight.rows();
    this.columns = weight.columns();
    this.format = weight.getClass();
  }

  /** Whether {@code x} is in the format of the weight, float32 or rounded to bfloat16. */
  public boolean accepts(Operand x) {
    return x.getClass() == format;
  }

  /**
   * y ← x·weightᵀ on the calling thread.
   *
   * @param x read, [m,k], float32 or rounded to bfloat16 as the weight was
   * @param y overwritten, [m,n], float32
   */
  public void multiply(Operand x, Matrix y) {
    boolean fits = x.columns() == columns && y.columns() == rows && x.rows() == y.rows();
    boolean float32 = !(x instanceof Matrix exact) || exact.precision() == Precision.FLOAT32;
    if (!fits || !accepts(x) || !float32 || y.precision() != Precision.FLOAT32) {
      throw new IllegalArgumentException(
          "PackedWeight.multiply: x is "
              + x
              + ", y is "
              + y
              + ", expected [m,"
              + columns
              + "] in the format of the weight and [m,"
              + rows
              + "] FLOAT32");
    }
    if (x.rows() > 0) {
      packed.multiply(x, y, x.rows() <= few ? few : Math.max(many, x.rows()));
    }
  }

  /** Frees the native memory now rather than when the garbage collector comes round. */
  @Override
  public void close() {
    packed.close();
  }
}
