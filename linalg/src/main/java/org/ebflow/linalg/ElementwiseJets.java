package org.ebflow.linalg;

import org.jspecify.annotations.Nullable;

/**
 * Jets of y = f(x), elementwise, for any {@link ElementwiseFunction}, and of the log-determinant of
 * a row, Σ h with h = log|f'|. Formulas: docs/derivations/elementwise.md.
 *
 * <p>Shapes: streams, cotangents and what is kept are contiguous [rows,width] matrices of one
 * precision; log-determinants and their cotangents c are float64 [1,rows]. For a function that is
 * no bijection both are null. Outputs may not overlap inputs.
 *
 * <p>Every call computes the derivatives anew, from x and what the function keeps. It does so block
 * by block, into a scratch that stays in the first cache.
 */
public interface ElementwiseJets {
  /** y ← f(x), logDet[r] += Σ h over row r unless null. */
  void forward0(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Matrix x,
      Matrix y,
      @Nullable Matrix logDet);

  /** y1 ← f'·x1, logDet1[r] += Σ h'·x1 unless null. */
  void forward1(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Matrix y1,
      @Nullable Matrix logDet1);

  /** y2 ← f''·x1² + f'·x2, logDet2[r] += Σ h''·x1² + h'·x2 unless null. */
  void forward2(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Matrix y2,
      @Nullable Matrix logDet2);

  /**
   * xBar0 ← f'·yBar0 + c0·h'.
   *
   * @param bars as in {@link ElementwiseFunction#pullBackParameters}, null if they are not wanted
   */
  void pullBack0(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Streams yBar,
      @Nullable Streams c,
      Streams xBar,
      Matrix @Nullable [] bars);

  /**
   * xBar0 ← f'·yBar0 + f''·x1·yBar1 + c0·h' + c1·h''·x1; xBar1 ← f'·yBar1 + c1·h' if {@code
   * toOrder} is 1.
   *
   * @param bars as in {@link #pullBack0}
   */
  void pullBack1(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Streams yBar,
      @Nullable Streams c,
      Streams xBar,
      int toOrder,
      Matrix @Nullable [] bars);

  /**
   * xBar0 ← f'·yBar0 + f''·x1·yBar1 + (f'''·x1² + f''·x2)·yBar2 + c0·h' + c1·h''·x1 + c2·(h'''·x1²
   * + h''·x2); xBar1 ← f'·yBar1 + 2f''·x1·yBar2 + c1·h' + 2c2·h''·x1 if {@code toOrder} is at least
   * 1; xBar2 ← f'·yBar2 + c2·h' if it is 2.
   *
   * @param bars as in {@link #pullBack0}
   */
  void pullBack2(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Streams yBar,
      @Nullable Streams c,
      Streams xBar,
      int toOrder,
      Matrix @Nullable [] bars);
}
