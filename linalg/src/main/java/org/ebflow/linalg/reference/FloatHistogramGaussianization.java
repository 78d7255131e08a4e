package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.Matrix;

/**
 * f = Φ⁻¹(F_c(x)) in float32 with F_c linear on each cell [k, k+1) of column c: {@link
 * org.ebflow.linalg.ElementwiseFunctions#histogramGaussianization}. Keeps f and f'.
 *
 * <p>Numerics: F and 1-F are computed each by a table of its own, and Φ⁻¹ of the smaller one, so
 * that both tails keep their relative accuracy. NaN propagates.
 */
@Vectorized
public final class FloatHistogramGaussianization implements ElementwiseBijection {
  /** Numbers of the table per cell: F at its left edge, 1-F at its right edge, its mass. */
  private static final int PER_CELL = 3;

  private static final int BELOW = 0;
  private static final int ABOVE = 1;
  private static final int MASS = 2;

  private static final ThreadLocal<Matrix> SCRATCH_OF_THREAD =
      ThreadLocal.withInitial(() -> Matrix.of(new float[0], 1, 0));

  @SuppressWarnings("FloatingPointLiteralPrecision") // digits for the float64 twin
  private static final float ROOT_OF_TWO_PI = 2.506628274631000502f;

  @Override
  public int keeps(int order) {
    return order < 0 ? 0 : 2;
  }

  private static int levels(Matrix table) {
    return table.columns() / PER_CELL;
  }

  /** Place of the numbers of a cell in the table's array. */
  private static int place(Matrix table, int column, int cell) {
    return table.offset() + column * table.stride() + PER_CELL * cell;
  }

  @Override
  public void value(
      Matrix parameters, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
    Matrix masses = scratch(n);
    boolean allInside = look(parameters, x, y, masses, from, n);
    FloatNormalQuantile.ofTails(y, f1, from, n);
    squares(y, f1, from, n);
    FloatPolynomials.expOfNegative(0.5f, f1.floats(), f1.offset(), f1.floats(), f1.offset(), n);
    slopesAndSigns(masses, y, f1, from, n);
    if (!allInside) {
      goOn(x, y, f1, levels(parameters), from, n);
    }
    if (kept.length > 0) {
      keep(y, f1, kept[0], kept[1], from, n);
    }
  }

  private static void squares(Matrix y, Matrix f1, int from, int n) {
    for (int i = 0; i < n; i++) {
      float z = at(y, from + i);
      set(f1, i, z * z);
    }
  }

  /** f1 ← p/φ(y) of exp(-y²/2), and y gets its sign. */
  private static void slopesAndSigns(Matrix masses, Matrix y, Matrix f1, int from, int n) {
    for (int i = 0; i < n; i++) {
      float mass = at(masses, i);
      float z = at(y, from + i);
      set(y, from + i, mass < 0f ? -z : z);
      set(f1, i, Math.abs(mass) * ROOT_OF_TWO_PI / at(f1, i));
    }
  }

  /** At least so many numbers of this thread alone. */
  private static Matrix scratch(int n) {
    Matrix found = SCRATCH_OF_THREAD.get();
    if (found.columns() < n) {
      found = Matrix.of(new float[n], 1, n);
      SCRATCH_OF_THREAD.set(found);
    }
    return found;
  }

  /**
   * y ← min(F, 1-F), masses ← mass of the cell, negative where that is 1-F. For an element outside
   * of the cells, of their nearest edge.
   *
   * @return whether all elements lie inside
   */
  private static boolean look(Matrix table, Matrix x, Matrix y, Matrix masses, int from, int n) {
    float[] cells = table.floats();
    float[] xs = x.floats();
    float[] ys = y.floats();
    float[] ms = masses.floats();
    int last = levels(table) - 1;
    int columns = x.columns();
    int xAt = x.offset() + from;
    int yAt = y.offset() + from;
    int massAt = masses.offset();
    int column = from % columns;
    int row = place(table, column, 0);
    boolean inside = true;
    for (int e = 0; e < n; e++) {
      float position = xs[xAt + e];
      int k = (int) position; // NaN: 0
      k = k > last ? last : k < 0 ? 0 : k;
      float u = position - k;
      if (!(u >= 0f && u <= 1f)) {
        inside = false;
        u = u < 0f ? 0f : u > 1f ? 1f : u;
      }
      int cell = row + PER_CELL * k;
      float mass = cells[cell + MASS];
      float below = Math.fma(mass, u, cells[cell + BELOW]);
      float above = Math.fma(mass, 1f - u, cells[cell + ABOVE]);
      float tail = below <= above ? below : above;
      ys[yAt + e] = tail > 0.5f ? 0.5f : tail;
      ms[massAt + e] = below <= above ? mass : -mass;
      column++;
      row += table.stride();
      if (column == columns) {
        column = 0;
        row = table.offset();
      }
    }
    return inside;
  }

  /** y ← y + f1·(distance from the nearest edge) for elements outside of the cells. */
  private static void goOn(Matrix x, Matrix y, Matrix f1, int levels, int from, int n) {
    for (int e = 0; e < n; e++) {
      float position = at(x, from + e);
      float outside = position < 0f ? position : position > levels ? position - levels : 0f;
      set(y, from + e, Math.fma(outside, at(f1, e), at(y, from + e)));
    }
  }

  private static void keep(Matrix y, Matrix f1, Matrix z, Matrix slope, int from, int n) {
    for (int i = 0; i < n; i++) {
      set(z, from + i, at(y, from + i));
      set(slope, from + i, at(f1, i));
    }
  }

  /** f'' = f·f'², f''' = (1+2f²)·f'³, f'''' = (7f+6f³)·f'⁴; all 0 outside of the cells. */
  @Override
  public void derivatives(
      Matrix parameters, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
    float end = levels(parameters);
    for (int i = 0; i < n; i++) {
      float position = at(x, from + i);
      float z = at(kept[0], from + i);
      float f1 = at(kept[1], from + i);
      float left = position < 0f ? 0f : f1;
      float curved = position > end ? 0f : left;
      float square = curved * curved;
      set(d.f1(), i, f1);
      set(d.f2(), i, z * square);
      if (highest >= 3) {
        set(d.f3(), i, Math.fma(2f * z, z, 1f) * (square * curved));
      }
      if (highest >= 4) {
        set(d.f4(), i, Math.fma(6f * z, z, 7f) * z * (square * square));
      }
    }
  }

  @Override
  public void inverse(Matrix parameters, Matrix y, Matrix x) {
    float[] cells = parameters.floats();
    int levels = levels(parameters);
    for (int e = 0, c = 0; e < y.size(); e++, c = c + 1 == y.columns() ? 0 : c + 1) {
      float z = at(y, e);
      float tail = FloatNormalTail.of(Math.abs(z));
      int side = z <= 0f ? BELOW : ABOVE;
      int first = place(parameters, c, 0);
      int k =
          side == BELOW
              ? lastBelow(cells, first, levels, tail)
              : firstAbove(cells, first, levels, tail);
      float from = cells[first + PER_CELL * k + side];
      float mass = cells[first + PER_CELL * k + MASS];
      float u = Math.clamp((tail - from) / mass, 0f, 1f);
      float outside = tail < from ? beyond(from, mass, Math.abs(z)) : 0f;
      set(x, e, side == BELOW ? k + u - outside : k + (1f - u) + outside);
    }
  }

  /** How far beyond the outermost edge, where the tail is {@code from}, f reaches ±z. */
  private static float beyond(float from, float mass, float z) {
    Matrix scratch = scratch(2);
    set(scratch, 1, from);
    FloatNormalQuantile.ofTails(scratch, scratch, 1, 1);
    float atEdge = -at(scratch, 1);
    FloatPolynomials.expOfNegative(0.5f * atEdge, scratch.floats(), 1, scratch.floats(), 0, 1);
    return (z - atEdge) * at(scratch, 0) / (mass * ROOT_OF_TWO_PI);
  }

  /** The last cell with F at its left edge at most that; the first if there is none. */
  private static int lastBelow(float[] cells, int first, int levels, float tail) {
    int low = 0;
    int high = levels - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (cells[first + PER_CELL * middle + BELOW] <= tail) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** The first cell with 1-F at its right edge at most that; the last if there is none. */
  private static int firstAbove(float[] cells, int first, int levels, float tail) {
    int low = 0;
    int high = levels - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (cells[first + PER_CELL * middle + ABOVE] <= tail) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
