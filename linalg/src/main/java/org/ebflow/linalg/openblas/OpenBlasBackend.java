package org.ebflow.linalg.openblas;

import static org.ebflow.linalg.openblas.OpenBlasGemm.PLAIN;
import static org.ebflow.linalg.openblas.OpenBlasGemm.ROW_MAJOR;
import static org.ebflow.linalg.openblas.OpenBlasGemm.TRANSPOSED;

import java.lang.foreign.MemorySegment;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.backend.BandedFactors;
import org.ebflow.linalg.backend.BlasBackend;
import org.ebflow.linalg.backend.LuFactors;

/** OpenBLAS as JavaCPP packages it, single-threaded, on heap arrays without copies. */
public final class OpenBlasBackend implements BlasBackend {
  private final String version = OpenBlasLibrary.VERSION;

  /** Loads the library; a failure is a {@link LinkageError}. */
  public OpenBlasBackend() {}

  @Override
  public String name() {
    return "openblas";
  }

  @Override
  public String version() {
    return version;
  }

  @Override
  public LuFactors newLu(Precision precision, int n) {
    return new OpenBlasLu(precision, n);
  }

  @Override
  public BandedFactors newBandedLu(int n, int lower, int upper) {
    return new OpenBlasBandedLu(n, lower, upper);
  }

  @Override
  public void triangularFactor(Matrix a, Matrix r) {
    OpenBlasQr.triangularFactor(a, r);
  }

  @Override
  public void symmetricEigen(Matrix symmetric, Matrix values, Matrix vectors) {
    OpenBlasEigen.decompose(symmetric, values, vectors);
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
    int operationA = transposeA ? TRANSPOSED : PLAIN;
    int operationB = transposeB ? TRANSPOSED : PLAIN;
    MemorySegment fromA = a.segment(aFrom);
    MemorySegment fromB = b.segment(bFrom);
    MemorySegment fromC = c.segment(cFrom);
    int lda = a.stride();
    int ldb = b.stride();
    int ldc = c.stride();
    try {
      if (c.precision() == Precision.FLOAT32) {
        OpenBlasGemm.SGEMM.invokeExact(
            ROW_MAJOR,
            operationA,
            operationB,
            m,
            n,
            k,
            (float) alpha,
            fromA,
            lda,
            fromB,
            ldb,
            (float) beta,
            fromC,
            ldc);
      } else {
        OpenBlasGemm.DGEMM.invokeExact(
            ROW_MAJOR,
            operationA,
            operationB,
            m,
            n,
            k,
            alpha,
            fromA,
            lda,
            fromB,
            ldb,
            beta,
            fromC,
            ldc);
      }
    } catch (Throwable thrown) {
      throw new IllegalStateException("cblas_gemm could not be called", thrown);
    }
  }
}
