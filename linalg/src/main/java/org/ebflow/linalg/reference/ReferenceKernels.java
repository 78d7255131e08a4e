package org.ebflow.linalg.reference;

import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Precision;

/** The reference kernels of each precision. */
public final class ReferenceKernels {
  private static final Kernels FLOAT32 =
      new Kernels(
          Precision.FLOAT32,
          new FloatRows(),
          FloatFunctions.all(),
          new FloatJets(),
          new FloatCoupling(),
          new FloatConvolution(),
          new FloatFourier(),
          new FloatSpectral(),
          new FloatNoise(),
          new FloatOptimizer(),
          new BFloat16Loops());
  private static final Kernels FLOAT64 =
      new Kernels(
          Precision.FLOAT64,
          new DoubleRows(),
          DoubleFunctions.all(),
          new DoubleJets(),
          new DoubleCoupling(),
          new DoubleConvolution(),
          new DoubleFourier(),
          new DoubleSpectral(),
          new DoubleNoise(),
          new DoubleOptimizer(),
          new BFloat16Loops());

  private ReferenceKernels() {}

  /** The kernels of that precision. */
  public static Kernels of(Precision precision) {
    return precision == Precision.FLOAT32 ? FLOAT32 : FLOAT64;
  }
}
