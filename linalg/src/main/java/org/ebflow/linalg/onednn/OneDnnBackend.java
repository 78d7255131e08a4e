package org.ebflow.linalg.onednn;

import static org.ebflow.linalg.onednn.OneDnnGemm.PLAIN;
import static org.ebflow.linalg.onednn.OneDnnGemm.TRANSPOSED;

import java.lang.foreign.MemorySegment;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.backend.BandedFactors;
import org.ebflow.linalg.backend.BlasBackend;
import org.ebflow.linalg.backend.LuFactors;
import org.ebflow.linalg.backend.PackedOperand;
import org.ebflow.linalg.openblas.OpenBlasBackend;
import org.jspecify.annotations.Nullable;

/**
 * oneDNN's float32 and bfloat16 products as JavaCPP packages them, single-threaded, on heap arrays
 * without copies. It has neither float64 products nor factorisations: both are OpenBLAS's.
 */
public final class OneDnnBackend implements BlasBackend {
  private final BlasBackend openBlas = new OpenBlasBackend();
  private final String version =
      "oneDNN " + OneDnnGemm.VERSION + "; float64, LU and QR: " + openBlas.version();
  private final boolean bfloat16 = OneDnnGemm.hasFastBFloat16();

  /** Loads both libraries; a failure is a {@link LinkageError}. */
  public OneDnnBackend() {}

  @Override
  public String name() {
    return "onednn";
  }

  @Override
  public String version() {
    return version;
  }

  @Override
  public LuFactors newLu(Precision precision, int n) {
    return openBlas.newLu(precision, n);
  }

  @Override
  public BandedFactors newBandedLu(int n, int lower, int upper) {
    return openBlas.newBandedLu(n, lower, upper);
  }

  @Override
  public void multiply(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      double alpha,
      Matrix a,
      int aFrom,
      Matrix b,
      int bFrom,
      double beta,
      Matrix c,
      int cFrom) {
    if (c.precision() == Precision.FLOAT64) {
      openBlas.multiply(transposeA, transposeB, m, n, k, alpha, a, aFrom, b, bFrom, beta, c, cFrom);
      return;
    }
    check(
        multiply(
            transposeA, transposeB, m, n, k, alpha, a, aFrom, b, bFrom, beta, c, cFrom, false));
  }

  @Override
  public boolean multipliesBFloat16() {
    return bfloat16;
  }

  @Override
  public void multiplyBFloat16(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      double alpha,
      BFloat16Matrix a,
      int aFrom,
      BFloat16Matrix b,
      int bFrom,
      double beta,
      Matrix c,
      int cFrom) {
    check(
        multiply(transposeA, transposeB, m, n, k, alpha, a, aFrom, b, bFrom, beta, c, cFrom, true));
  }

  @Override
  public @Nullable PackedOperand pack(int rows, boolean upper, Operand weight) {
    boolean float64 = weight instanceof Matrix exact && exact.precision() == Precision.FLOAT64;
    return float64 ? null : OneDnnPackedOperand.of(rows, upper, weight);
  }

  @Override
  public void triangularFactor(Matrix a, Matrix r) {
    openBlas.triangularFactor(a, r);
  }

  @Override
  public void symmetricEigen(Matrix symmetric, Matrix values, Matrix vectors) {
    openBlas.symmetricEigen(symmetric, values, vectors);
  }

  private static void check(int status) {
    if (status != 0) {
      throw new IllegalStateException("oneDNN refused a product with status " + status);
    }
  }

  /** Returns the library's status. */
  private static int multiply(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      double alpha,
      Operand a,
      int aFrom,
      Operand b,
      int bFrom,
      double beta,
      Matrix c,
      int cFrom,
      boolean rounded) {
    byte operationA = transposeA ? TRANSPOSED : PLAIN;
    byte operationB = transposeB ? TRANSPOSED : PLAIN;
    MemorySegment fromA = a.segment(aFrom);
    MemorySegment fromB = b.segment(bFrom);
    MemorySegment fromC = c.segment(cFrom);
    long lda = a.stride();
    long ldb = b.stride();
    long ldc = c.stride();
    try {
      OneDnnGemm.SET_NUM_THREADS.invokeExact(1); // a setting of the calling thread
      return rounded
          ? (int)
              OneDnnGemm.BFLOAT16.invokeExact(
                  operationA,
                  operationB,
                  (long) m,
                  (long) n,
                  (long) k,
                  (float) alpha,
                  fromA,
                  lda,
                  fromB,
                  ldb,
                  (float) beta,
                  fromC,
                  ldc)
          : (int)
              OneDnnGemm.SGEMM.invokeExact(
                  operationA,
                  operationB,
                  (long) m,
                  (long) n,
                  (long) k,
                  (float) alpha,
                  fromA,
                  lda,
                  fromB,
                  ldb,
                  (float) beta,
                  fromC,
                  ldc);
    } catch (Throwable thrown) {
      throw new IllegalStateException("oneDNN's gemm could not be called", thrown);
    }
  }
}
