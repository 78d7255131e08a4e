package org.ebflow.linalg.openblas;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.ebflow.linalg.openblas.OpenBlasLapack.COLUMN_MAJOR;
import static org.ebflow.linalg.openblas.OpenBlasLapack.PLAIN;
import static org.ebflow.linalg.openblas.OpenBlasLapack.TRANSPOSED;
import static org.ebflow.linalg.openblas.OpenBlasLapack.check;
import static org.ebflow.linalg.openblas.OpenBlasLapack.failed;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Cleaner;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.backend.LuFactors;
import org.jspecify.annotations.Nullable;

/**
 * LU factors in native memory, so that a long factorisation holds no garbage collection back; freed
 * by {@link #close} or when the collector finds this object unreachable.
 *
 * <p>LAPACK reads the array of A by columns: what it factorises is Aᵀ.
 */
final class OpenBlasLu implements LuFactors {
  private static final int BLOCK = 64; // columns that getri works on at a time
  private static final Cleaner CLEANER = Cleaner.create();

  private final Precision precision;
  private final int n;
  private final Arena arena = Arena.ofShared();
  private final Cleaner.Cleanable memory = CLEANER.register(this, arena::close);
  private final MemorySegment factors;
  private final MemorySegment exchanges;

  /** One row on its way to native memory and back in the right precision. */
  private final Matrix row;

  private @Nullable MemorySegment inverse;
  private @Nullable MemorySegment work;

  OpenBlasLu(Precision precision, int n) {
    this.precision = precision;
    this.n = n;
    factors = arena.allocate(layout(), (long) n * n);
    exchanges = arena.allocate(JAVA_INT, n);
    row = Matrix.allocate(precision, 1, n);
  }

  @Override
  public void close() {
    memory.clean();
  }

  @Override
  public Precision precision() {
    return precision;
  }

  @Override
  public void factorize(Matrix a) {
    for (int r = 0; r < n; r++) {
      MemorySegment.copy(inPrecision(a, r), at(a, r), factors, layout(), offset(r, 0), n);
    }
    try {
      check(
          "getrf",
          single()
              ? (int) OpenBlasLapack.SGETRF.invokeExact(COLUMN_MAJOR, n, n, factors, n, exchanges)
              : (int) OpenBlasLapack.DGETRF.invokeExact(COLUMN_MAJOR, n, n, factors, n, exchanges));
    } catch (Throwable thrown) {
      throw failed("getrf", thrown);
    }
  }

  /** The array that holds row r in the factors' precision. */
  private Object inPrecision(Matrix a, int r) {
    if (a.precision() == precision) {
      return a.array();
    }
    row.copyRow(a, r, 0);
    return row.array();
  }

  /** Where in that array it begins. */
  private int at(Matrix a, int r) {
    return a.precision() == precision ? a.offset() + r * a.stride() : 0;
  }

  @Override
  public double pivot(int i) {
    return single()
        ? factors.get(JAVA_FLOAT, offset(i, i))
        : factors.get(JAVA_DOUBLE, offset(i, i));
  }

  @Override
  public void solve(boolean transpose, Matrix rows, int from, int count) {
    byte operation = transpose ? PLAIN : TRANSPOSED; // the factors are those of Aᵀ
    MemorySegment right = rows.segment(from);
    int stride = rows.stride();
    try {
      check(
          "getrs",
          single()
              ? (int)
                  OpenBlasLapack.SGETRS.invokeExact(
                      COLUMN_MAJOR, operation, n, count, factors, n, exchanges, right, stride)
              : (int)
                  OpenBlasLapack.DGETRS.invokeExact(
                      COLUMN_MAJOR, operation, n, count, factors, n, exchanges, right, stride));
    } catch (Throwable thrown) {
      throw failed("getrs", thrown);
    }
  }

  @Override
  public void invert() {
    MemorySegment target = allocated(inverse, n);
    MemorySegment scratch = allocated(work, BLOCK);
    inverse = target;
    work = scratch;
    target.copyFrom(factors);
    try {
      check(
          "getri",
          single()
              ? (int)
                  OpenBlasLapack.SGETRI.invokeExact(
                      COLUMN_MAJOR, n, target, n, exchanges, scratch, BLOCK * n)
              : (int)
                  OpenBlasLapack.DGETRI.invokeExact(
                      COLUMN_MAJOR, n, target, n, exchanges, scratch, BLOCK * n));
    } catch (Throwable thrown) {
      throw failed("getri", thrown);
    }
  }

  @Override
  public void copyInverse(int r, int column, int count, Matrix to, int at) {
    if (inverse == null) {
      throw new IllegalStateException("copyInverse was called before invert");
    }
    MemorySegment.copy(inverse, layout(), offset(r, column), to.array(), at, count);
  }

  /** The memory itself once there is some, else memory of {@code rows} times n numbers. */
  private MemorySegment allocated(@Nullable MemorySegment memory, int rows) {
    return memory == null ? arena.allocate(layout(), (long) rows * n) : memory;
  }

  private boolean single() {
    return precision == Precision.FLOAT32;
  }

  private ValueLayout layout() {
    return single() ? JAVA_FLOAT : JAVA_DOUBLE;
  }

  /** Byte offset of an element of a row-major [n,n] matrix. */
  private long offset(int r, int column) {
    return ((long) r * n + column) * precision.bytes();
  }
}
