package org.ebflow.linalg.onednn;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.ebflow.linalg.javacpp.NativeLibrary;

/**
 * The loaded library's product routines, row-major. Critical calls: they read and write heap arrays
 * in place and hold the garbage collector back while they run, so the facade keeps them short.
 */
final class OneDnnGemm {
  static final byte PLAIN = 'N';
  static final byte TRANSPOSED = 'T';

  static final NativeLibrary LIBRARY =
      NativeLibrary.ofResources("/org/bytedeco/dnnl/", "libgomp.so.1", "libdnnl.so.3");

  /** Major, minor and patch number. */
  static final String VERSION = version();

  // static final, or the JIT compiler would not inline the calls
  static final MethodHandle SGEMM = gemm("dnnl_sgemm");
  static final MethodHandle BFLOAT16 = gemm("dnnl_gemm_bf16bf16f32");

  /** How many OpenMP threads the library may use for calls of this thread. */
  static final MethodHandle SET_NUM_THREADS =
      LIBRARY.function(
          "omp_set_num_threads",
          FunctionDescriptor.ofVoid(JAVA_INT),
          Linker.Option.critical(false));

  private OneDnnGemm() {}

  private static MethodHandle gemm(String name) {
    FunctionDescriptor descriptor =
        FunctionDescriptor.of(
            JAVA_INT, // status
            JAVA_BYTE,
            JAVA_BYTE, // op(a), op(b)
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG, // m, n, k
            JAVA_FLOAT,
            ADDRESS,
            JAVA_LONG,
            ADDRESS,
            JAVA_LONG, // alpha, a, lda, b, ldb
            JAVA_FLOAT,
            ADDRESS,
            JAVA_LONG); // beta, c, ldc
    return LIBRARY.function(name, descriptor, Linker.Option.critical(true));
  }

  @SuppressWarnings("restricted")
  private static String version() {
    try {
      MemorySegment numbers =
          ((MemorySegment)
                  LIBRARY.function("dnnl_version", FunctionDescriptor.of(ADDRESS)).invokeExact())
              .reinterpret(3 * JAVA_INT.byteSize());
      return numbers.getAtIndex(JAVA_INT, 0)
          + "."
          + numbers.getAtIndex(JAVA_INT, 1)
          + "."
          + numbers.getAtIndex(JAVA_INT, 2);
    } catch (Throwable thrown) {
      throw new LinkageError("dnnl_version failed", thrown);
    }
  }
}
