package org.ebflow.linalg.openblas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * LAPACK's QR in native memory, so that a long factorisation holds no garbage collection back.
 *
 * <p>LAPACK reads the array of a by columns, as aᵀ, whose factorisation is aᵀ = L·Q: R is Lᵀ.
 */
final class OpenBlasQr {
  /** Columns of a panel: of 16 to 256 the fastest at n = 3072 and as fast as any at 784. */
  private static final int PANEL = 128;

  /** The Fortran routine, all of whose arguments are addresses: LAPACKE has none for it. */
  private static final MethodHandle DGELQT =
      OpenBlasLibrary.function(
          "dgelqt_",
          FunctionDescriptor.ofVoid(
              ADDRESS, ADDRESS, ADDRESS, // m, n, panel
              ADDRESS, ADDRESS, ADDRESS, ADDRESS, // a, lda, t, ldt
              ADDRESS, ADDRESS)); // work, status

  private OpenBlasQr() {}

  /**
   * R of a = Q·R.
   *
   * @param a read, [m,n]
   * @param r overwritten, [m,n], zero below the diagonal
   */
  static void triangularFactor(Matrix a, Matrix r) {
    int m = a.rows();
    int n = a.columns();
    int panel = Math.min(PANEL, Math.min(m, n));
    long rowBytes = (long) n * Double.BYTES;
    Matrix row = Matrix.allocate(Precision.FLOAT64, 1, n);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment factors = arena.allocate(JAVA_DOUBLE, (long) m * n);
      for (int i = 0; i < m; i++) {
        row.copyRow(a, i, 0);
        MemorySegment.copy(row.array(), 0, factors, JAVA_DOUBLE, i * rowBytes, n);
      }
      MemorySegment status = arena.allocateFrom(JAVA_INT, 0);
      MemorySegment panelWidth = arena.allocateFrom(JAVA_INT, panel);
      MemorySegment height = arena.allocateFrom(JAVA_INT, n); // of aᵀ, and from column to column
      MemorySegment reflectors = arena.allocate(JAVA_DOUBLE, (long) panel * Math.min(m, n));
      MemorySegment work = arena.allocate(JAVA_DOUBLE, (long) panel * n);
      try {
        DGELQT.invokeExact(
            height,
            arena.allocateFrom(JAVA_INT, m),
            panelWidth,
            factors,
            height,
            reflectors,
            panelWidth,
            work,
            status);
        OpenBlasLapack.check("gelqt", status.get(JAVA_INT, 0));
      } catch (Throwable thrown) {
        throw OpenBlasLapack.failed("gelqt", thrown);
      }
      for (int i = 0; i < m; i++) {
        int before = Math.min(i, n);
        row.columns(0, before).fill(0);
        MemorySegment.copy(
            factors,
            JAVA_DOUBLE,
            i * rowBytes + (long) before * Double.BYTES,
            row.array(),
            before,
            n - before);
        r.copyRow(row, 0, i);
      }
    }
  }
}
