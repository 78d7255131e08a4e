package org.ebflow.linalg.openblas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * LAPACK's divide and conquer for symmetric matrices in native memory, so that a long decomposition
 * holds no garbage collection back.
 *
 * <p>LAPACK returns the eigenvectors as columns of a column-major array: as rows of ours.
 */
final class OpenBlasEigen {
  private static final byte WITH_VECTORS = 'V';

  private static final MethodHandle DSYEVD =
      OpenBlasLibrary.function(
          "LAPACKE_dsyevd",
          FunctionDescriptor.of(
              JAVA_INT, JAVA_INT, JAVA_BYTE, JAVA_BYTE, JAVA_INT, // order, vectors, triangle, n
              ADDRESS, JAVA_INT, ADDRESS)); // a, lda, values

  private OpenBlasEigen() {}

  /**
   * Eigenvalues in ascending order, each with its eigenvector.
   *
   * @param symmetric read, [n,n]
   * @param values overwritten, [1,n] float64
   * @param vectors overwritten, [n,n] float64: row i is the eigenvector of value i
   * @throws ArithmeticException if the iteration does not converge
   */
  static void decompose(Matrix symmetric, Matrix values, Matrix vectors) {
    int n = symmetric.rows();
    long rowBytes = (long) n * Double.BYTES;
    Matrix row = Matrix.allocate(Precision.FLOAT64, 1, n);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = arena.allocate(JAVA_DOUBLE, (long) n * n);
      MemorySegment w = arena.allocate(JAVA_DOUBLE, n);
      for (int i = 0; i < n; i++) {
        row.copyRow(symmetric, i, 0);
        MemorySegment.copy(row.array(), 0, a, JAVA_DOUBLE, i * rowBytes, n);
      }
      int status;
      try {
        status =
            (int)
                DSYEVD.invokeExact(
                    OpenBlasLapack.COLUMN_MAJOR, WITH_VECTORS, OpenBlasLapack.UPPER, n, a, n, w);
      } catch (Throwable thrown) {
        throw OpenBlasLapack.failed("syevd", thrown);
      }
      OpenBlasLapack.check("syevd", status);
      if (status > 0) {
        throw new ArithmeticException("syevd did not converge");
      }
      MemorySegment.copy(w, JAVA_DOUBLE, 0, row.array(), 0, n);
      values.copyRow(row, 0, 0);
      for (int i = 0; i < n; i++) {
        MemorySegment.copy(a, JAVA_DOUBLE, i * rowBytes, row.array(), 0, n);
        vectors.copyRow(row, 0, i);
      }
    }
  }
}
