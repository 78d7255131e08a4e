package org.ebflow.linalg.openblas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas;
import org.ebflow.linalg.javacpp.NativeLibrary;

/**
 * The loaded native library, set to run every call on its caller's thread alone. Initialising this
 * class loads it; a failure is that initialisation's cause.
 */
final class OpenBlasLibrary {
  private static final NativeLibrary LIBRARY =
      Loader.getPlatform().startsWith("linux")
          ? NativeLibrary.ofResourcesRenamed(
              "libopenblas.so.0",
              "libebflowblas.so",
              "/org/bytedeco/openblas/",
              "libgcc_s.so.1",
              "libquadmath.so.0",
              "libgfortran.so.5",
              "libopenblas.so.0")
          : NativeLibrary.ofPreset(openblas.class, "openblas");

  /** Configuration and processor kernel in use, as the library states them. */
  static final String VERSION =
      text("openblas_get_config") + ", kernels " + text("openblas_get_corename");

  static {
    useOneThread();
  }

  private OpenBlasLibrary() {}

  /** Handle of a C function. */
  static MethodHandle function(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    return LIBRARY.function(name, descriptor, options);
  }

  /**
   * The threads are ours: OpenBLAS's own would spin after each call and collapse beside a busy
   * process.
   */
  private static void useOneThread() {
    try {
      function("openblas_set_num_threads", FunctionDescriptor.ofVoid(JAVA_INT)).invokeExact(1);
    } catch (Throwable thrown) {
      throw new LinkageError("openblas_set_num_threads failed", thrown);
    }
  }

  @SuppressWarnings("restricted")
  private static String text(String function) {
    try {
      MemorySegment text =
          (MemorySegment) function(function, FunctionDescriptor.of(ADDRESS)).invokeExact();
      return text.reinterpret(1024).getString(0).strip();
    } catch (Throwable thrown) {
      throw new LinkageError(function + " failed", thrown);
    }
  }
}
