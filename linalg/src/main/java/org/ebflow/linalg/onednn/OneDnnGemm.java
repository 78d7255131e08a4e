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

  /** Bits of dnnl_cpu_isa_t that all sets of instructions with bfloat16 products have. */
  private static final int AVX512_BF16 = 0xe7;

  private OneDnnGemm() {}

  /**
   * Whether the processor multiplies bfloat16 numbers. Where it does not, the library has plain
   * loops, hundreds of times slower than its float32 products.
   */
  static boolean hasFastBFloat16() {
    try {
      int instructions =
          (int)
              LIBRARY
                  .function("dnnl_get_effective_cpu_isa", FunctionDescriptor.of(JAVA_INT))
                  .invokeExact();
      return (instructions & AVX512_BF16) == AVX512_BF16;
    } catch (Throwable thrown) {
      throw new LinkageError("dnnl_get_effective_cpu_isa failed", thrown);
    }
  }

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
