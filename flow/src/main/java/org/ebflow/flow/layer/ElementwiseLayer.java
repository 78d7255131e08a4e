package org.ebflow.flow.layer;

import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.Matrix;

/**
 * A user's function applied to every element, y = f(x).
 *
 * <p>Shapes (row-major): x, y [batch,D] per order; logDet [batch] nats, log|det ∂y/∂x| = Σ
 * log|f'(x)|. Jets: docs/derivations/elementwise.md.
 *
 * <p>Cost: five calls of the user's code per element; keeps up to six derivatives, [batch,D] each.
 * Numerics: f and its derivatives are evaluated in float64 and rounded. Threading: as the function.
 */
public final class ElementwiseLayer extends ElementwiseBijectionLayer {
  private final Elementwise function;

  /** Of that function. */
  public ElementwiseLayer(Elementwise function) {
    UserFunction user = new UserFunction(function);
    super(functions -> user);
    this.function = function;
  }

  /** Keeps f', h', f'', h'', f''' and h''', as many as the jet's order needs. */
  private record UserFunction(Elementwise function) implements ElementwiseBijection {
    @Override
    public int keeps(int order) {
      return 2 * (order + 1);
    }

    @Override
    public void value(
        Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
      for (int i = 0; i < n; i++) {
        int r = (from + i) / x.columns();
        int c = (from + i) % x.columns();
        double at = x.get(r, c);
        y.set(r, c, function.value(at));
        double first = function.first(at);
        f1.set(0, i, first);
        if (kept.length > 0) {
          double h1 = function.second(at) / first;
          kept[0].set(r, c, first);
          kept[1].set(r, c, h1);
          if (kept.length > 2) {
            double third = function.third(at) / first;
            kept[2].set(r, c, h1 * first);
            kept[3].set(r, c, third - h1 * h1);
            if (kept.length > 4) {
              double fourth = function.fourth(at) / first;
              kept[4].set(r, c, third * first);
              kept[5].set(r, c, fourth - 3 * h1 * third + 2 * h1 * h1 * h1);
            }
          }
        }
      }
    }

    @Override
    public void derivatives(
        Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int from, int n) {
      copy(kept, 0, d.f1(), from, n);
      copy(kept, 1, d.h1(), from, n);
      copy(kept, 2, d.f2(), from, n);
      copy(kept, 3, d.h2(), from, n);
      copy(kept, 4, d.f3(), from, n);
      copy(kept, 5, d.h3(), from, n);
    }

    @SuppressWarnings("SuspiciousSystemArraycopy") // arrays of one precision
    private static void copy(Matrix[] kept, int which, Matrix to, int from, int n) {
      if (which < kept.length) {
        Matrix values = kept[which];
        System.arraycopy(values.array(), values.offset() + from, to.array(), to.offset(), n);
      }
    }

    @Override
    public void inverse(Matrix parameters, Matrix y, Matrix x) {
      for (int r = 0; r < y.rows(); r++) {
        for (int c = 0; c < y.columns(); c++) {
          x.set(r, c, function.inverse(y.get(r, c)));
        }
      }
    }
  }

  @Override
  public String toString() {
    return "ElementwiseLayer(" + function + ")";
  }
}
