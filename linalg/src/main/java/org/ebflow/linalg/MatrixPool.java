package org.ebflow.linalg;

import org.jspecify.annotations.Nullable;

/**
 * Allocates zeroed matrices that are aligned to cache lines. Vectors and tiles that straddle cache
 * lines make a step slower (benchmarks/results/2026-11-25-strides).
 *
 * <p>Java does not promise where an array lies. Under the collector G1 an array of at least half a
 * heap region begins at a region, and its elements {@value #HEADER} bytes further. So a large
 * matrix skips the rest of that cache line, and smaller matrices are carved from large arrays. With
 * other collectors, and with the larger regions of heaps above 16 GB, alignment is left to chance.
 * Only speed depends on it.
 *
 * <p>Threading: thread-safe.
 */
public final class MatrixPool {
  private static final int LINE = 64;
  private static final int HEADER = 16;

  /** Bytes of the arrays that matrices are carved from, which with their header fill a region. */
  private static final int CHUNK = (1 << 22) - HEADER;

  /** Matrices of fewer bytes have an array of their own: alignment gains them little. */
  private static final int SMALL = 1 << 17;

  private static final int COMPETING = 512;
  private static final int GAP = 16;
  private static final int MOST_ELEMENTS = Integer.MAX_VALUE - 8;

  private final Precision precision;
  private final boolean cacheAligned;
  private final int lead;
  private @Nullable Matrix chunk;
  private int used;

  private MatrixPool(Precision precision, boolean cacheAligned) {
    this.precision = precision;
    this.cacheAligned = cacheAligned;
    this.lead = (LINE - HEADER) / precision.bytes();
  }

  /** Empty; its matrices will be of that precision. */
  public static MatrixPool cacheAligned(Precision precision) {
    return new MatrixPool(precision, true);
  }

  /**
   * Without alignment: each matrix has an array of its own. For the many threads of a scorer, whose
   * products read copies.
   */
  public static MatrixPool unaligned(Precision precision) {
    return new MatrixPool(precision, false);
  }

  /**
   * Numbers from one row of a weight to the next. Float32 rows a multiple of 2048 bytes apart would
   * compete for the same lines of the first cache, which makes products by the weight slower
   * (benchmarks/results/2026-11-25-strides). Such rows have {@value #GAP} zeros between them, a
   * cache line in float32. The stride is the same in both precisions, so that copies share one
   * layout.
   */
  public static int weightStride(int rows, int columns) {
    boolean compete = rows > 1 && columns % COMPETING == 0;
    return compete ? columns + GAP : columns;
  }

  /** A zeroed matrix whose rows are {@link #weightStride} apart. */
  public Matrix weight(int rows, int columns) {
    return matrix(rows, weightStride(rows, columns)).columns(0, columns);
  }

  /**
   * A zeroed matrix that shares no element with any other.
   *
   * @throws IllegalArgumentException as {@link Matrix#allocate}
   */
  public synchronized Matrix matrix(int rows, int columns) {
    long wanted = (long) rows * columns;
    if (!cacheAligned || wanted * precision.bytes() < SMALL || wanted + lead > MOST_ELEMENTS) {
      return Matrix.allocate(precision, rows, columns);
    }
    int size = (int) wanted;
    if (wanted * precision.bytes() > CHUNK / 2) {
      Matrix own = Matrix.allocate(precision, 1, lead + size);
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
