package org.ebflow.linalg.openblas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * LAPACK's LU routines and what inverting needs of BLAS. The "work" variants leave NaN alone; the
 * others would refuse the matrix without factorising it.
 *
 * <p>Solving is a critical call on heap arrays; factorising and inverting take too long for one and
 * work on native memory.
 */
final class OpenBlasLapack {
  static final int COLUMN_MAJOR = 102;
  static final int ON_THE_RIGHT = 142;
  static final int LOWER_TRIANGLE = 122;
  static final int AS_IT_IS = 111;
  static final int UNIT_DIAGONAL = 132;

  static final byte PLAIN = 'N';
  static final byte TRANSPOSED = 'T';
  static final byte UPPER = 'U';
  static final byte ANY_DIAGONAL = 'N';

  // static final, or the JIT compiler would not inline the call
  static final MethodHandle SGETRF = getrf("LAPACKE_sgetrf_work");
  static final MethodHandle DGETRF = getrf("LAPACKE_dgetrf_work");
  static final MethodHandle SGETRS = getrs("LAPACKE_sgetrs_work");
  static final MethodHandle DGETRS = getrs("LAPACKE_dgetrs_work");
  static final MethodHandle DGBTRF =
      OpenBlasLibrary.function(
          "LAPACKE_dgbtrf_work",
          FunctionDescriptor.of(
              JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, // order, m, n, kl, ku
              ADDRESS, JAVA_INT, ADDRESS)); // ab, ldab, pivots
  static final MethodHandle DGBTRS =
      OpenBlasLibrary.function(
          "LAPACKE_dgbtrs_work",
          FunctionDescriptor.of(
              JAVA_INT, JAVA_INT, JAVA_BYTE, JAVA_INT, // order, op(a), n
              JAVA_INT, JAVA_INT, JAVA_INT, // kl, ku, right-hand sides
              ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT), // ab, ldab, pivots, b, ldb
          Linker.Option.critical(true));
  static final MethodHandle STRTRI = trtri("LAPACKE_strtri_work");
  static final MethodHandle DTRTRI = trtri("LAPACKE_dtrtri_work");
  static final MethodHandle STRSM = trsm("cblas_strsm", JAVA_FLOAT);
  static final MethodHandle DTRSM = trsm("cblas_dtrsm", JAVA_DOUBLE);

  private OpenBlasLapack() {}

  private static MethodHandle getrf(String name) {
    return OpenBlasLibrary.function(
        name,
        FunctionDescriptor.of(
            JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT,
            ADDRESS)); // m, n, a, lda, pivots
  }

  private static MethodHandle getrs(String name) {
    FunctionDescriptor descriptor =
        FunctionDescriptor.of(
            JAVA_INT, JAVA_INT, JAVA_BYTE, JAVA_INT, JAVA_INT, // order, op(a), n, right-hand sides
            ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT); // a, lda, pivots, b, ldb
    return OpenBlasLibrary.function(name, descriptor, Linker.Option.critical(true));
  }

  private static MethodHandle trtri(String name) {
    return OpenBlasLibrary.function(
        name,
        FunctionDescriptor.of(
            JAVA_INT, JAVA_INT, JAVA_BYTE, JAVA_BYTE, JAVA_INT, // order, triangle, diagonal, n
            ADDRESS, JAVA_INT)); // a, lda
  }

  private static MethodHandle trsm(String name, ValueLayout number) {
    return OpenBlasLibrary.function(
        name,
        FunctionDescriptor.ofVoid(
            JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, // order, side, triangle, op, diagonal
            JAVA_INT, JAVA_INT, number, ADDRESS, JAVA_INT, ADDRESS,
            JAVA_INT)); // m, n, alpha, a, lda, b, ldb
  }

  /** A positive status is a zero pivot, which the caller reads off the factors. */
  static void check(String routine, int status) {
    if (status < 0) {
      throw new IllegalStateException(routine + " refused its argument " + -status);
    }
  }

  static RuntimeException failed(String routine, Throwable thrown) {
    return switch (thrown) {
      case RuntimeException exception -> exception;
      case Error error -> throw error;
      default -> new IllegalStateException(routine + " could not be called", thrown);
    };
  }
}
