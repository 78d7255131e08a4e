package org.ebflow.linalg.openblas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The product routines. Critical calls: they read and write heap arrays in place and hold the
 * garbage collector back while they run, so the facade keeps them short.
 */
final class OpenBlasGemm {
  static final int ROW_MAJOR = 101;
  static final int PLAIN = 111;
  static final int TRANSPOSED = 112;

  // static final, or the JIT compiler would not inline the call
  static final MethodHandle SGEMM = gemm("cblas_sgemm", JAVA_FLOAT);
  static final MethodHandle DGEMM = gemm("cblas_dgemm", JAVA_DOUBLE);

  private OpenBlasGemm() {}

  private static MethodHandle gemm(String name, ValueLayout scalar) {
    FunctionDescriptor descriptor =
        FunctionDescriptor.ofVoid(
            JAVA_INT, JAVA_INT, JAVA_INT, // order, op(a), op(b)
            JAVA_INT, JAVA_INT, JAVA_INT, // m, n, k
            scalar, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, // alpha, a, lda, b, ldb
            scalar, ADDRESS, JAVA_INT); // beta, c, ldc
    return OpenBlasLibrary.function(name, descriptor, Linker.Option.critical(true));
  }
}
