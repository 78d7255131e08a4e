package org.ebflow.flow.layer;

import java.util.Map;
import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * A user's function applied to every element, y = f(x).
 *
 * <p>Shapes (row-major): x, y [batch,D] per order; logDet [batch] nats, log|det ∂y/∂x| = Σ
 * log|f'(x)|. Jets: docs/derivations/elementwise.md.
 *
 * <p>Cost: up to six calls of the user's code per element; keeps up to four derivatives, [batch,D]
 * each. Numerics: f and its derivatives are evaluated in float64 and rounded. Threading: as the
 * function.
 */
public final class ElementwiseLayer extends ElementwiseBijectionLayer {
  private final Elementwise function;

  /** Of that function. */
  public ElementwiseLayer(Elementwise function) {
    UserFunction user = new UserFunction(function);
    super(functions -> user);
    this.function = function;
  }

  @Override
  public @Nullable Map<String, Object> description() {
    return function.description();
  }

  /** Keeps the derivatives, as many as the jet's order needs. */
  private record UserFunction(Elementwise function) implements ElementwiseBijection {
    @Override
    public int keeps(int order) {
      return order < 0 ? 0 : order + 2;
    }

    @Override
    public void value(
        Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
      for (int i = 0; i < n; i++) {
        int r = (from + i) / x.columns();
        int c = (from + i) % x.columns();
        double at = x.get(r, c);
        y.set(r, c, function.value(at));
        f1.set(0, i, function.first(at));
        for (int k = 0; k < kept.length; k++) {
          kept[k].set(r, c, derivative(k + 1, at));
        }
      }
    }

    private double derivative(int k, double x) {
      return switch (k) {
        case 1 -> function.first(x);
        case 2 -> function.second(x);
        case 3 -> function.third(x);
        default -> function.fourth(x);
      };
    }

    @Override
    public void derivatives(
        Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
      copy(kept, 1, highest, d.f1(), from, n);
      copy(kept, 2, highest, d.f2(), from, n);
      copy(kept, 3, highest, d.f3(), from, n);
      copy(kept, 4, highest, d.f4(), from, n);
    }

    @SuppressWarnings("SuspiciousSystemArraycopy") // arrays of one precision
    private static void copy(Matrix[] kept, int order, int highest, Matrix to, int from, int n) {
      if (order <= highest) {
        Matrix values = kept[order - 1];
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
