package org.ebflow.linalg;

import org.ebflow.linalg.reference.ReferenceKernels;
import org.ebflow.linalg.simd.VectorKernels;

/**
 * Which kernels run: vectorised where the vector module is there, else the readable reference
 * loops.
 */
public final class KernelChoice {
  private KernelChoice() {}

  /** The fastest kernels of that precision. */
  public static Kernels fastest(Precision precision) {
    return VectorModule.PRESENT ? VectorKernels.of(precision) : ReferenceKernels.of(precision);
  }

  /** Readable scalar loops: what the fastest kernels are tested against. */
  public static Kernels reference(Precision precision) {
    return ReferenceKernels.of(precision);
  }

  /** Looked up once, with one warning where the module is missing. */
  private static final class VectorModule {
    static final boolean PRESENT = find();

    private static boolean find() {
      boolean present = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
      if (!present) {
        System.getLogger(KernelChoice.class.getName())
            .log(
                System.Logger.Level.WARNING,
                "The vector module is not there, so the kernels run as plain loops, many times slower: add --add-modules=jdk.incubator.vector to the java command.");
      }
      return present;
    }
  }
}
