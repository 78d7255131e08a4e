package org.ebflow.linalg;

/**
 * One optimizer update of every parameter and its exponential moving average in a single pass over
 * memory. All matrices are [1,count] and of one precision. The gradient used is {@code
 * gradScale·g}.
 */
public interface OptimizerKernels {
  /** Σ g², in float64, in a fixed order. */
  double sumOfSquares(Matrix g);

  /**
   * RMSprop: g' = gradScale·g + weightDecay·p; v ← decay·v + (1-decay)·g'²; p ← p - rate·g'/(√v +
   * epsilon); ema ← ema + (1-emaDecay)·(p - ema).
   *
   * @param p read and overwritten
   * @param g read
   * @param v read and overwritten
   * @param ema read and overwritten
   */
  void rmsProp(
      Matrix p,
      Matrix g,
      Matrix v,
      Matrix ema,
      double rate,
      double decay,
      double epsilon,
      double weightDecay,
      double gradScale,
      double emaDecay);

  /**
   * Adam: m ← β₁m + (1-β₁)g', v ← β₂v + (1-β₂)g'²; p ← p - (rate/correction1)·m/(√v/√correction2 +
   * epsilon) with correction_i = 1 - β_iᵗ. The decay of weights enters g' (L2), or, when decoupled
   * (AdamW), first p ← p·(1 - rate·weightDecay). Then the moving average as in {@link #rmsProp}.
   */
  void adam(
      Matrix p,
      Matrix g,
      Matrix m,
      Matrix v,
      Matrix ema,
      double rate,
      double beta1,
      double beta2,
      double epsilon,
      double correction1,
      double correction2,
      double weightDecay,
      boolean decoupled,
      double gradScale,
      double emaDecay);
}
