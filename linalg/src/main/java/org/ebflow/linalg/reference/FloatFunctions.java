package org.ebflow.linalg.reference;

import org.ebflow.linalg.ElementwiseFunctions;

/** The elementwise functions in float32. */
@Vectorized
public final class FloatFunctions {
  private FloatFunctions() {}

  /** One of each. */
  public static ElementwiseFunctions all() {
    return new ElementwiseFunctions(
        new FloatSmoothLeakyRelu(),
        new FloatLogit(),
        new FloatMonotoneSpline(),
        new FloatHistogramGaussianization(),
        new FloatQuantileGaussianization(),
        new FloatSwish(),
        new FloatElu(),
        new FloatLeakyRelu(),
        new FloatTanh());
  }
}
