package org.ebflow.flow.layer;

import java.util.Map;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ElementwiseKernels.Derivatives;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * A user's function applied to every element, y = f(x).
 *
 * <p>Shapes (row-major): x, y [batch,D] per order; logDet [batch] nats, log|det ∂y/∂x| = Σ
 * log|f'(x)|. Jets: docs/derivations/elementwise.md.
 *
 * <p>Cost: five calls of the user's code per element; keeps up to six derivatives, [batch,D] each.
 * Numerics: f is evaluated in float64 and rounded. Threading: as the function.
 */
public final class ElementwiseLayer extends DerivedElementwise {
  private final Elementwise function;

  /** Of that function. */
  public ElementwiseLayer(Elementwise function) {
    this.function = function;
  }

  @Override
  public @Nullable Map<String, Object> description() {
    return function.description();
  }

  @Override
  void value(Matrix x, Matrix y, Matrix logDet, Workspace kept) {
    for (int r = 0; r < x.rows(); r++) {
      double sum = logDet.get(0, r);
      for (int c = 0; c < x.columns(); c++) {
        double at = x.get(r, c);
        y.set(r, c, function.value(at));
        sum += StrictMath.log(Math.abs(function.first(at)));
      }
      logDet.set(0, r, sum);
    }
  }

  @Override
  void derivatives(Matrix x, Derivatives d, Workspace kept) {
    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++) {
        double at = x.get(r, c);
        double first = function.first(at);
        double second = function.second(at) / first;
        d.f1().set(r, c, first);
        d.h1().set(r, c, second);
        if (d.f2() != null && d.h2() != null) {
          double third = function.third(at) / first;
          d.f2().set(r, c, second * first);
          d.h2().set(r, c, third - second * second);
          if (d.f3() != null && d.h3() != null) {
            double fourth = function.fourth(at) / first;
            d.f3().set(r, c, third * first);
            d.h3().set(r, c, fourth - 3 * second * third + 2 * second * second * second);
          }
        }
      }
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    for (int r = 0; r < y.rows(); r++) {
      for (int c = 0; c < y.columns(); c++) {
        x.set(r, c, function.inverse(y.get(r, c)));
      }
    }
  }

  @Override
  public String toString() {
    return "ElementwiseLayer(" + function + ")";
  }
}
