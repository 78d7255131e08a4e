package org.ebflow.linalg.reference;

import org.ebflow.linalg.ActivationKernels;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/** ELU in float32, element by element. f'' and f''' are f' where x ≤ 0 and 0 elsewhere. */
public final class FloatElu implements ActivationKernels {
  /** f(x). */
  public static float f(float x) {
    return x > 0f ? x : FloatPolynomials.expm1OfNegative(x);
  }

  /** f'(x). */
  public static float f1(float x) {
    return x > 0f ? 1f : FloatPolynomials.exp(x);
  }

  /** f''(x) = f'''(x), given f'. */
  public static float f2(float x, float f1) {
    return x > 0f ? 0f : f1;
  }

  private static float at(Matrix m, int i) {
    return m.floats()[m.offset() + i];
  }

  @Override
  public void value(@Nullable Matrix slope, Matrix x, Matrix y, Matrix kept) {
    for (int i = 0; i < x.size(); i++) {
      kept.floats()[kept.offset() + i] = f1(at(x, i));
      y.floats()[y.offset() + i] = f(at(x, i));
    }
  }

  @Override
  public void tangent(@Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix y1) {
    for (int i = 0; i < x.size(); i++) {
      y1.floats()[y1.offset() + i] = at(kept, i) * at(x1, i);
    }
  }

  @Override
  public void second(
      @Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix x2, Matrix y2) {
    for (int i = 0; i < x.size(); i++) {
      float f1 = at(kept, i);
      y2.floats()[y2.offset() + i] = FloatJets.second(f1, f2(at(x, i), f1), at(x1, i), at(x2, i));
    }
  }

  @Override
  public void pullBack0(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix yBar0,
      Matrix xBar0,
      @Nullable Matrix slopeBar) {
    tangent(slope, x, kept, yBar0, xBar0);
  }

  @Override
  public void pullBack1(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix xBar0,
      @Nullable Matrix xBar1,
      @Nullable Matrix slopeBar) {
    for (int i = 0; i < x.size(); i++) {
      float f1 = at(kept, i);
      float f2 = f2(at(x, i), f1);
      xBar0.floats()[xBar0.offset() + i] =
          FloatSwish.first(f1, f2, at(x1, i), at(yBar0, i), at(yBar1, i));
      if (xBar1 != null) {
        xBar1.floats()[xBar1.offset() + i] = f1 * at(yBar1, i);
      }
    }
  }

  @Override
  public void pullBack2(
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
      @Nullable Matrix slopeBar) {
    for (int i = 0; i < x.size(); i++) {
      float f1 = at(kept, i);
      float f2 = f2(at(x, i), f1);
      float u1 = at(x1, i);
      float v1 = at(yBar1, i);
      float v2 = at(yBar2, i);
      xBar0.floats()[xBar0.offset() + i] =
          FloatSwish.zeroth(f1, f2, f2, u1, at(x2, i), at(yBar0, i), v1, v2);
      xBar1.floats()[xBar1.offset() + i] = FloatSwish.first(f1, f2, 2f * u1, v1, v2);
      if (xBar2 != null) {
        xBar2.floats()[xBar2.offset() + i] = f1 * v2;
      }
    }
  }
}
