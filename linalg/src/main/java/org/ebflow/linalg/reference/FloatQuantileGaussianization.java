package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.Matrix;

/**
 * A monotone rational quadratic spline per column with logarithmic tails in float32: {@link
 * org.ebflow.linalg.ElementwiseFunctions#quantileGaussianization}. Keeps the derivatives that the
 * order of the jet needs.
 *
 * <p>Source: Gregory and Delbourgo 1982; derivatives: docs/derivations/margins.md.
 */
public final class FloatQuantileGaussianization implements ElementwiseBijection {
  /** Numbers of the table per knot: its place, the value there, the slope there. */
  private static final int PER_KNOT = 3;

  /** Further numbers of the table: curvature of the lower and of the upper tail. */
  private static final int CURVATURES = 2;

  private static final int PLACE = 0;
  private static final int VALUE = 1;
  private static final int SLOPE = 2;

  /** Derivatives that an element may need. */
  private static final int MOST_DERIVATIVES = 4;

  @Override
  public int keeps(int order) {
    return order < 0 ? 0 : order + 2;
  }

  private static int knots(Matrix table) {
    return (table.columns() - CURVATURES) / PER_KNOT;
  }

  /** f and its derivatives at one place. */
  private static final class Element {
    static final ThreadLocal<Element> OF_THREAD = ThreadLocal.withInitial(Element::new);

    float value;
    final float[] derivatives = new float[MOST_DERIVATIVES];
  }

  @Override
  public void value(
      Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
    float[] table = parameters.floats();
    int knots = knots(parameters);
    int columns = x.columns();
    int highest = Math.max(1, kept.length);
    Element element = Element.OF_THREAD.get();
    for (int e = 0, c = from % columns; e < n; e++, c = c + 1 == columns ? 0 : c + 1) {
      int first = parameters.offset() + c * parameters.stride();
      evaluate(table, first, knots, at(x, from + e), highest, element);
      set(y, from + e, element.value);
      set(f1, e, element.derivatives[0]);
      for (int k = 0; k < kept.length; k++) {
        set(kept[k], from + e, element.derivatives[k]);
      }
    }
  }

  /** Number of the last knot whose place (or value) is at most {@code x}; -1 if none is. */
  private static int last(float[] table, int first, int knots, int of, float x) {
    int low = -1;
    int high = knots - 1;
    while (low < high) {
      int middle = (low + high + 1) >> 1;
      if (table[first + PER_KNOT * middle + of] <= x) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  private static void evaluate(
      float[] table, int first, int knots, float x, int highest, Element to) {
    int k = last(table, first, knots, PLACE, x);
    int left = first + PER_KNOT * k;
    if (k < 0) {
      tail(table[first + PLACE] - x, table[first + SLOPE], table[first + PER_KNOT * knots], to);
      to.value = table[first + VALUE] - to.value;
      to.derivatives[1] = -to.derivatives[1];
      to.derivatives[3] = -to.derivatives[3];
    } else if (k == knots - 1) {
      float curvature = table[first + PER_KNOT * knots + 1];
      tail(x - table[left + PLACE], table[left + SLOPE], curvature, to);
      to.value += table[left + VALUE];
    } else {
      between(table, left, x, highest, to);
    }
  }

  /** value ← log(1 + a·s·e)/a: distance in f of what lies {@code e} beyond the outermost knot. */
  private static void tail(float e, float slope, float curvature, Element to) {
    float growth = curvature * slope;
    float grown = 1f + Math.min(growth * e, Float.MAX_VALUE);
    float r = -growth / grown;
    to.value = FloatPolynomials.log(grown) / curvature;
    float[] d = to.derivatives;
    d[0] = slope / grown;
    d[1] = d[0] * r;
    d[2] = 2f * d[1] * r;
    d[3] = 3f * d[2] * r;
  }

  /**
   * Of f = z0 + H·P/Q, P = Δξ² + d0·ξ(1-ξ), Q = Δ + (d0+d1-2Δ)·ξ(1-ξ), by Leibniz's rule for fQ =
   * P.
   */
  private static void between(float[] table, int left, float x, int highest, Element to) {
    int right = left + PER_KNOT;
    float width = table[right + PLACE] - table[left + PLACE];
    float height = table[right + VALUE] - table[left + VALUE];
    float d0 = table[left + SLOPE];
    float d1 = table[right + SLOPE];
    float secant = height / width;
    float t = (x - table[left + PLACE]) / width;
    float rest = (table[right + PLACE] - x) / width;
    float product = t * rest;
    float bend = d0 + d1 - 2f * secant;
    float q = Math.fma(bend, product, secant);
    float ratio = Math.fma(secant * t, t, d0 * product) / q;
    float weighted = Math.fma(d1 * t, t, Math.fma(2f * secant, product, d0 * rest * rest));
    to.value = Math.fma(height, ratio, table[left + VALUE]);
    float[] d = to.derivatives;
    float relative = secant / q;
    d[0] = relative * relative * weighted;
    if (highest > 1) {
      float q1 = bend * (rest - t); // derivatives by ξ of Q, P and P/Q
      float q2 = -2f * bend;
      float g1 = d[0] / secant;
      float g2 = (2f * (secant - d0) - 2f * g1 * q1 - ratio * q2) / q;
      float g3 = -3f * (g2 * q1 + g1 * q2) / q;
      float g4 = -(4f * g3 * q1 + 6f * g2 * q2) / q;
      d[1] = secant * g2 / width;
      d[2] = secant * g3 / width / width;
      d[3] = secant * g4 / width / width / width;
    }
  }

  @Override
  public void derivatives(
      Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
    copy(kept[0], d.f1(), from, n);
    if (highest >= 2) {
      copy(kept[1], d.f2(), from, n);
    }
    if (highest >= 3) {
      copy(kept[2], d.f3(), from, n);
    }
    if (highest >= 4) {
      copy(kept[3], d.f4(), from, n);
    }
  }

  private static void copy(Matrix kept, Matrix to, int from, int n) {
    System.arraycopy(kept.floats(), kept.offset() + from, to.floats(), to.offset(), n);
  }

  @Override
  public void inverse(Matrix parameters, Matrix y, Matrix x) {
    float[] table = parameters.floats();
    int knots = knots(parameters);
    for (int e = 0, c = 0; e < y.size(); e++, c = c + 1 == y.columns() ? 0 : c + 1) {
      int first = parameters.offset() + c * parameters.stride();
      set(x, e, inverse(table, first, knots, at(y, e)));
    }
  }

  private static float inverse(float[] table, int first, int knots, float y) {
    int k = last(table, first, knots, VALUE, y);
    int left = first + PER_KNOT * k;
    if (k < 0) {
      float curvature = table[first + PER_KNOT * knots];
      return table[first + PLACE]
          - distance(table[first + VALUE] - y, table[first + SLOPE], curvature);
    }
    if (k == knots - 1) {
      float curvature = table[first + PER_KNOT * knots + 1];
      return table[left + PLACE]
          + distance(y - table[left + VALUE], table[left + SLOPE], curvature);
    }
    int right = left + PER_KNOT;
    float width = table[right + PLACE] - table[left + PLACE];
    float height = table[right + VALUE] - table[left + VALUE];
    float d0 = table[left + SLOPE];
    float secant = height / width;
    float bend = d0 + table[right + SLOPE] - 2f * secant;
    float ratio = (y - table[left + VALUE]) / height;
    float a = Math.fma(ratio, bend, secant - d0); // aξ² + bξ = c, of P = ratio·Q
    float b = Math.fma(-ratio, bend, d0);
    float c = ratio * secant;
    float root = FloatElements.sqrt(Math.max(Math.fma(4f * a, c, b * b), 0f));
    float t = b >= 0f ? 2f * c / (b + root) : (root - b) / (2f * a);
    return Math.fma(Math.clamp(t, 0f, 1f), width, table[left + PLACE]);
  }

  /** The inverse of {@link #tail}. */
  private static float distance(float z, float slope, float curvature) {
    return (FloatPolynomials.exp(curvature * z) - 1f) / (curvature * slope);
  }
}
