package org.ebflow.linalg;

import org.ebflow.linalg.reference.ReferenceKernels;
import org.ebflow.linalg.simd.VectorKernels;

/**
 * The kernels of one precision: vectorised where the vector module is there, else the readable
 * reference loops.
 *
 * @param precision format of the matrices they take
 * @param rows vector arithmetic
 * @param functions elementwise functions
 * @param jets jets of elementwise functions
 * @param coupling jets of the scaling of a coupling
 * @param noise counter-based noise
 * @param optimizer parameter updates
 * @param bfloat16 rounding of float32 numbers, whatever the precision of the others
 */
public record Kernels(
    Precision precision,
    RowKernels rows,
    ElementwiseFunctions functions,
    ElementwiseJets jets,
    CouplingKernels coupling,
    NoiseKernels noise,
    OptimizerKernels optimizer,
    BFloat16Kernels bfloat16) {
  /** The fastest kernels of that precision. */
  public static Kernels of(Precision precision) {
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
        System.getLogger(Kernels.class.getName())
            .log(
                System.Logger.Level.WARNING,
                "The vector module is not there, so the kernels run as plain loops, many times slower: add --add-modules=jdk.incubator.vector to the java command.");
      }
      return present;
    }
  }
}
