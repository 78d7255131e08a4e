package org.ebflow.linalg;

import org.jspecify.annotations.Nullable;

/**
 * Zeroed matrices that begin on a line of the cache: vectors and tiles that straddle lines make a
 * step of D = 784 slower by a twentieth, with bfloat16 factors by a seventh
 * (benchmarks/results/2026-11-25-strides).
 *
 * <p>Java promises nothing about the places of arrays. Under the collector G1 an array that fills
 * at least half a region of the heap begins one, its elements {@value #HEADER} bytes further; so
 * large matrices skip the rest of that line, and smaller ones are carved from such arrays.
 * Elsewhere they lie as they happen to: only speed depends on it.
 *
 * <p>Threading: thread-safe.
 */
public final class MatrixPool {
  private static final int LINE = 64;
  private static final int HEADER = 16;

  /** Bytes of the arrays that matrices are carved from. */
  private static final int CHUNK = 1 << 22;

  /** Matrices of fewer bytes have an array of their own: there is little to gain. */
  private static final int SMALL = 1 << 14;

  private static final int COMPETING = 512;
  private static final int FLOATS_OF_LINE = LINE / Float.BYTES;

  private final Precision precision;
  private final int lead;
  private @Nullable Matrix chunk;
  private int used;

  /** Empty; its matrices will be of that precision. */
  public MatrixPool(Precision precision) {
    this.precision = precision;
    this.lead = (LINE - HEADER) / precision.bytes();
  }

  /**
   * Numbers from one row of a weight to the next. Float32 rows a multiple of 2048 bytes apart would
   * compete for the same lines of the first cache and make products by the weight slower, by a
   * tenth at 3072 columns (benchmarks/results/2026-11-25-strides): such rows have a line of zeros
   * between them.
   */
  public static int weightStride(int rows, int columns) {
    boolean compete = rows > 1 && columns % COMPETING == 0;
    return compete ? columns + FLOATS_OF_LINE : columns;
  }

  /** A zeroed matrix whose rows are {@link #weightStride} apart. */
  public Matrix weight(int rows, int columns) {
    return matrix(rows, weightStride(rows, columns)).columns(0, columns);
  }

  /** A zeroed matrix that shares no element with any other. */
  public synchronized Matrix matrix(int rows, int columns) {
    int size = Math.multiplyExact(rows, columns);
    long bytes = (long) size * precision.bytes();
    if (bytes < SMALL) {
      return Matrix.allocate(precision, rows, columns);
    }
    if (bytes > CHUNK / 2) {
      Matrix own = Matrix.allocate(precision, 1, Math.addExact(size, lead));
      return own.columns(lead, lead + size).reshape(rows, columns);
    }
    Matrix from = chunk;
    if (from == null || used + size > from.columns()) {
      from = Matrix.allocate(precision, 1, CHUNK / precision.bytes());
      chunk = from;
      used = lead;
    }
    Matrix result = from.columns(used, used + size).reshape(rows, columns);
    int line = LINE / precision.bytes();
    used += (size + line - 1) / line * line;
    return result;
  }
}
