package org.ebflow.linalg.simd;

import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.reference.ReferenceKernels;

/**
 * The vectorised kernels of each precision; the coupling, whose rows are short, is the reference's.
 */
public final class VectorKernels {
  private static final Kernels FLOAT32 = float32(ReferenceKernels.of(Precision.FLOAT32));
  private static final Kernels FLOAT64 = float64(ReferenceKernels.of(Precision.FLOAT64));

  private VectorKernels() {}

  /** The kernels of that precision. */
  public static Kernels of(Precision precision) {
    return precision == Precision.FLOAT32 ? FLOAT32 : FLOAT64;
  }

  private static Kernels float32(Kernels reference) {
    return new Kernels(
        Precision.FLOAT32,
        new FloatVectorRows(),
        FloatVectorFunctions.all(),
        new FloatVectorJets(),
        reference.coupling(),
        reference.convolution(),
        new FloatVectorFourier(),
        reference.spectral(),
        new FloatVectorNoise(),
        new FloatVectorOptimizer(),
        new VectorBFloat16());
  }

  private static Kernels float64(Kernels reference) {
    return new Kernels(
        Precision.FLOAT64,
        new DoubleVectorRows(),
        DoubleVectorFunctions.all(),
        new DoubleVectorJets(),
        reference.coupling(),
        reference.convolution(),
        new DoubleVectorFourier(),
        reference.spectral(),
        new DoubleVectorNoise(),
        new DoubleVectorOptimizer(),
        new VectorBFloat16());
  }
}
