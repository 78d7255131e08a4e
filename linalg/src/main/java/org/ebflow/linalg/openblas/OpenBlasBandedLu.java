package org.ebflow.linalg.openblas;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.ebflow.linalg.openblas.OpenBlasLapack.COLUMN_MAJOR;
import static org.ebflow.linalg.openblas.OpenBlasLapack.PLAIN;
import static org.ebflow.linalg.openblas.OpenBlasLapack.TRANSPOSED;
import static org.ebflow.linalg.openblas.OpenBlasLapack.check;
import static org.ebflow.linalg.openblas.OpenBlasLapack.failed;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import org.ebflow.linalg.BandedLu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.backend.BandedFactors;

/**
 * LU factors of a banded matrix in native memory, as {@link OpenBlasLu}.
 *
 * <p>LAPACK's gbtrf stores M = Aᵀ by columns: element (i, j) of M at {@code j·leading + above + i -
 * j}. A row of A is a part of one column.
 */
final class OpenBlasBandedLu implements BandedFactors {
  private static final Cleaner CLEANER = Cleaner.create();

  private final int n;
  private final int below; // diagonals of M
  private final int above; // diagonals of U above the main one, exchanges included
  private final int leading;
  private final Arena arena = Arena.ofShared();
  private final Cleaner.Cleanable memory = CLEANER.register(this, arena::close);
  private final MemorySegment factors;
  private final MemorySegment exchanges;
  private final double[] row;

  OpenBlasBandedLu(int n, int lower, int upper) {
    this.n = n;
    below = upper;
    above = lower + upper;
    leading = above + below + 1;
    factors = arena.allocate(JAVA_DOUBLE, (long) n * leading);
    exchanges = arena.allocate(JAVA_INT, n);
    row = new double[lower + upper + 1];
  }

  @Override
  public void close() {
    memory.clean();
  }

  @Override
  public void factorize(BandedLu.Row rows) {
    for (int j = 0; j < n; j++) {
      rows.row(j, row);
      long first = ((long) j * leading + leading - row.length) * Double.BYTES;
      MemorySegment.copy(row, 0, factors, JAVA_DOUBLE, first, row.length);
    }
    try {
      check(
          "gbtrf",
          (int)
              OpenBlasLapack.DGBTRF.invokeExact(
                  COLUMN_MAJOR, n, n, below, above - below, factors, leading, exchanges));
    } catch (Throwable thrown) {
      throw failed("gbtrf", thrown);
    }
  }

  @Override
  public double pivot(int k) {
    return factors.getAtIndex(JAVA_DOUBLE, index(k, k));
  }

  @Override
  public int exchanged(int k) {
    return exchanges.getAtIndex(JAVA_INT, k) - 1;
  }

  @Override
  public void copyMultipliers(int k, int count, Matrix to) {
    MemorySegment.copy(
        factors, JAVA_DOUBLE, index(k + 1, k) * Double.BYTES, to.doubles(), to.offset(), count);
  }

  @Override
  public void copyUpperRow(int k, int count, Matrix to) {
    for (int i = 0; i < count; i++) {
      to.doubles()[to.offset() + i] = factors.getAtIndex(JAVA_DOUBLE, index(k, k + 1 + i));
    }
  }

  @Override
  public void solve(boolean transpose, Matrix rows, int from, int count) {
    byte operation = transpose ? PLAIN : TRANSPOSED; // the factors are those of Aᵀ
    MemorySegment right = rows.segment(from);
    int stride = rows.stride();
    try {
      check(
          "gbtrs",
          (int)
              OpenBlasLapack.DGBTRS.invokeExact(
                  COLUMN_MAJOR,
                  operation,
                  n,
                  below,
                  above - below,
                  count,
                  factors,
                  leading,
                  exchanges,
                  right,
                  stride));
    } catch (Throwable thrown) {
      throw failed("gbtrs", thrown);
    }
  }

  private long index(int i, int j) {
    return (long) j * leading + above + i - j;
  }
}
