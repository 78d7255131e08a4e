package org.ebflow.linalg;

import org.jspecify.annotations.Nullable;

/**
 * Jets of an activation f of coupling networks (no bijection, no log-determinant), with an optional
 * trainable slope β per column.
 *
 * <p>Swish: f(x) = x·sigmoid(βx). ELU: f(x) = x for x &gt; 0, else eˣ - 1 (no slope: {@code slope}
 * is ignored and {@code slopeBar} left alone).
 *
 * <p>Shapes: streams and cotangents are contiguous [rows,width] matrices of one precision, {@code
 * slope} is [1,width], {@code kept} [rows,width] holds what {@link #value} leaves for the other
 * methods (Swish: sigmoid(βx); ELU: f'). {@code slopeBar}, unless null, is [rows,width],
 * overwritten with Σ_k yBar_k·∂y_k/∂β per element.
 */
public interface ActivationKernels {
  /** y ← f(x). */
  void value(@Nullable Matrix slope, Matrix x, Matrix y, Matrix kept);

  /** y1 ← f'·x1. */
  void tangent(@Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix y1);

  /** y2 ← f''·x1² + f'·x2. */
  void second(@Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix x2, Matrix y2);

  /** xBar0 ← f'·yBar0. */
  void pullBack0(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix yBar0,
      Matrix xBar0,
      @Nullable Matrix slopeBar);

  /** xBar0 ← f'·yBar0 + f''·x1·yBar1; xBar1 ← f'·yBar1 unless null. */
  void pullBack1(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix xBar0,
      @Nullable Matrix xBar1,
      @Nullable Matrix slopeBar);

  /**
   * xBar0 ← f'·yBar0 + f''·x1·yBar1 + (f'''·x1² + f''·x2)·yBar2; xBar1 ← f'·yBar1 + 2f''·x1·yBar2;
   * xBar2 ← f'·yBar2 unless null.
   */
  void pullBack2(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix x1,
      Matrix x2,
      Matrix yBar0,
      Matrix yBar1,
      Matrix yBar2,
      Matrix xBar0,
      Matrix xBar1,
      @Nullable Matrix xBar2,
      @Nullable Matrix slopeBar);
}
