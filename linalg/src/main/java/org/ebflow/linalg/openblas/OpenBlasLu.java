package org.ebflow.linalg.openblas;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.ebflow.linalg.openblas.OpenBlasLapack.ANY_DIAGONAL;
import static org.ebflow.linalg.openblas.OpenBlasLapack.AS_IT_IS;
import static org.ebflow.linalg.openblas.OpenBlasLapack.COLUMN_MAJOR;
import static org.ebflow.linalg.openblas.OpenBlasLapack.LOWER_TRIANGLE;
import static org.ebflow.linalg.openblas.OpenBlasLapack.ON_THE_RIGHT;
import static org.ebflow.linalg.openblas.OpenBlasLapack.PLAIN;
import static org.ebflow.linalg.openblas.OpenBlasLapack.TRANSPOSED;
import static org.ebflow.linalg.openblas.OpenBlasLapack.UNIT_DIAGONAL;
import static org.ebflow.linalg.openblas.OpenBlasLapack.UPPER;
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
  private static final Cleaner CLEANER = Cleaner.create();

  private final Precision precision;
  private final int n;
  private final Arena arena = Arena.ofShared();
  private final Cleaner.Cleanable memory = CLEANER.register(this, arena::close);
  private final MemorySegment factors;
  private final MemorySegment exchanges;

  /** One row on its way to native memory in the right precision, or to another place there. */
  private final Matrix row;

  private @Nullable MemorySegment inverse;

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

  /**
   * With the factors P·B = L·U, B = Aᵀ: U⁻¹, then X from X·L = U⁻¹, then the exchanges of rows as
   * exchanges of columns: faster than getri (docs/decisions/0022).
   */
  @Override
  public void invert() {
    MemorySegment target = inverse == null ? arena.allocate(layout(), (long) n * n) : inverse;
    inverse = target;
    target.fill((byte) 0);
    for (int c = 0; c < n; c++) { // B is stored by columns
      MemorySegment.copy(factors, offset(c, 0), target, offset(c, 0), (c + 1L) * precision.bytes());
    }
    try {
      check("trtri", invertUpper(target));
      divideByLower(target);
    } catch (Throwable thrown) {
      throw failed("trtri or trsm", thrown);
    }
    for (int c = n - 1; c >= 0; c--) {
      int other = exchanges.getAtIndex(JAVA_INT, c) - 1;
      if (other != c) {
        exchange(target, c, other);
      }
    }
  }

  private int invertUpper(MemorySegment x) throws Throwable {
    return single()
        ? (int) OpenBlasLapack.STRTRI.invokeExact(COLUMN_MAJOR, UPPER, ANY_DIAGONAL, n, x, n)
        : (int) OpenBlasLapack.DTRTRI.invokeExact(COLUMN_MAJOR, UPPER, ANY_DIAGONAL, n, x, n);
  }

  private void divideByLower(MemorySegment x) throws Throwable {
    if (single()) {
      OpenBlasLapack.STRSM.invokeExact(
          COLUMN_MAJOR,
          ON_THE_RIGHT,
          LOWER_TRIANGLE,
          AS_IT_IS,
          UNIT_DIAGONAL,
          n,
          n,
          1f,
          factors,
          n,
          x,
          n);
    } else {
      OpenBlasLapack.DTRSM.invokeExact(
          COLUMN_MAJOR,
          ON_THE_RIGHT,
          LOWER_TRIANGLE,
          AS_IT_IS,
          UNIT_DIAGONAL,
          n,
          n,
          1.0,
          factors,
          n,
          x,
          n);
    }
  }

  /** Exchanges two columns of B⁻¹, which are rows of this memory. */
  private void exchange(MemorySegment x, int c, int other) {
    long bytes = (long) n * precision.bytes();
    MemorySegment.copy(x, layout(), offset(c, 0), row.array(), 0, n);
    MemorySegment.copy(x, offset(other, 0), x, offset(c, 0), bytes);
    MemorySegment.copy(row.array(), 0, x, layout(), offset(other, 0), n);
  }

  @Override
  public void copyInverse(int r, int column, int count, Matrix to, int at) {
    if (inverse == null) {
      throw new IllegalStateException("copyInverse was called before invert");
    }
    MemorySegment.copy(inverse, layout(), offset(r, column), to.array(), at, count);
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
