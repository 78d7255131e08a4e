package org.ebflow.linalg.netlib;

import dev.ludovic.netlib.blas.NativeBLAS;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.backend.BlasBackend;
import org.ebflow.linalg.backend.LuFactors;
import org.ebflow.linalg.reference.LuLoops;

/**
 * The system's BLAS; LU by plain loops, because the system may have a BLAS without LAPACK.
 *
 * <p>That BLAS may start threads of its own, which only its environment variables can forbid.
 */
public final class NetlibBackend implements BlasBackend {
  private final NativeBLAS blas = NativeBLAS.getInstance();

  /** Loads the system's library; a failure is a RuntimeException or a LinkageError. */
  public NetlibBackend() {}

  @Override
  public String name() {
    return "netlib";
  }

  @Override
  public String version() {
    String version = NativeBLAS.class.getPackage().getImplementationVersion();
    return "the system's BLAS by netlib" + (version == null ? "" : " " + version);
  }

  @Override
  public LuFactors newLu(Precision precision, int n) {
    return new LuLoops(n);
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
    String operationA = operation(transposeA);
    String operationB = operation(transposeB);
    // the library reads arrays by columns, that is transposed: cᵀ = op(b)ᵀ·op(a)ᵀ
    if (c.precision() == Precision.FLOAT32) {
      blas.sgemm(
          operationB,
          operationA,
          n,
          m,
          k,
          (float) alpha,
          b.floats(),
          bFrom,
          b.stride(),
          a.floats(),
          aFrom,
          a.stride(),
          (float) beta,
          c.floats(),
          cFrom,
          c.stride());
    } else {
      blas.dgemm(
          operationB,
          operationA,
          n,
          m,
          k,
          alpha,
          b.doubles(),
          bFrom,
          b.stride(),
          a.doubles(),
          aFrom,
          a.stride(),
          beta,
          c.doubles(),
          cFrom,
          c.stride());
    }
  }

  private static String operation(boolean transpose) {
    return transpose ? "T" : "N";
  }
}
