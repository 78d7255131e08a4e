package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.pick;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MonotoneSplineFunction;

/**
 * Monotone splines in float32.
 *
 * <p>Either side of zero is a function of |x| with f(0) = 0, cut into cells: those between the
 * knots (where zero lies between two, the first cell is half as wide), and a last one for the tail.
 * With u = d/width, d the distance from the near end, w = 1-u, and b the cubic's Bernstein
 * coefficients,
 *
 * <pre>
 *   |f| = F + d·(b0·w³ + ³⁄₂(b0+b1)·u·w² + (b0+b1+b2)·u²·w + ¼(b0+b1+b2+b3)·u³)
 *   f'  = b0·w³ + 3b1·u·w² + 3b2·u²·w + b3·u³
 * </pre>
 *
 * <p>Numerics: every term of both sums is positive, so nothing cancels, neither near zero nor where
 * slopes differ by decades. In the tail u is 0, and f' exactly b0.
 *
 * <p>Rows of a table: the number of intervals and the distance of knots (both in column 0), e, and
 * F, b0 … b3 of each cell, first of x ≥ 0, then of x &lt; 0.
 */
@Vectorized
public final class FloatMonotoneSpline implements MonotoneSplineFunction {
  private static final int BLOCK = 512;
  private static final int KNOT_DISTANCE = 1;
  private static final int COEFFICIENTS = 2;
  private static final int NUMBERS = 5;

  /** Intervals beyond the outermost knots on which f' goes over to a constant. */
  private static final int TRANSITION = 2;

  private static final int NEWTON_STEPS = 60;

  /** Added and taken away again, it leaves a nearby whole number. */
  private static final float WHOLE = 1f / Math.ulp(1f);

  private static final float THIRD = 1f / 3f;
  private static final float SIXTH = 1f / 6f;

  /**
   * Where the elements of a block lie.
   *
   * @param cell number of the cell
   * @param index of the cell's numbers in the table, that of F
   * @param distance d, from the near end of the cell
   * @param u d/width, 0 in the tail
   * @param inverse 1/width, 0 in the tail
   */
  private record Place(Matrix cell, int[] index, Matrix distance, Matrix u, Matrix inverse) {
    static final ThreadLocal<Place> OF_THREAD =
        ThreadLocal.withInitial(() -> new Place(row(), new int[BLOCK], row(), row(), row()));
  }

  /** Some columns of some rows side by side, and what they add to the cotangents of a cell. */
  private record Sums(Matrix x, Matrix fBar0, Matrix[] fBars, Matrix[] numbers) {
    static final ThreadLocal<Sums> OF_THREAD =
        ThreadLocal.withInitial(
            () ->
                new Sums(
                    row(),
                    row(),
                    new Matrix[] {row(), row(), row()},
                    new Matrix[] {row(), row(), row(), row(), row()}));
  }

  private static Matrix row() {
    return Matrix.of(new float[BLOCK], 1, BLOCK);
  }

  private static int intervals(Matrix table) {
    return (int) at(table, 0);
  }

  /** Number of the last cell of either side, the tail's. */
  private static int last(int intervals) {
    return (intervals + 1) / 2 + TRANSITION;
  }

  /** First row of cell number m of the side x ≥ 0, or x &lt; 0. */
  private static int cellRow(int intervals, int side, int m) {
    return COEFFICIENTS
        + MonotoneSplineFunction.coefficients(intervals)
        + NUMBERS * (side * (last(intervals) + 1) + m);
  }

  @Override
  public int tableRows(int intervals) {
    return cellRow(intervals, 1, last(intervals) + 1);
  }

  @Override
  public int keeps(int order) {
    return 0;
  }

  @Override
  public void value(Matrix table, Matrix x, Matrix y, Matrix[] kept, Matrix f1, int from, int n) {
    Place place = Place.OF_THREAD.get();
    for (int at = 0, count; at < n; at += count) {
      count = Math.min(BLOCK, n - at);
      locate(table, x, from + at, place, count);
      value(table, x, place, y, f1, from + at, at, count);
    }
  }

  private static void value(
      Matrix table, Matrix x, Place place, Matrix y, Matrix f1, int from, int to, int n) {
    int width = table.columns();
    int cells = cellRow(intervals(table), 0, 0) * width;
    int[] index = place.index;
    for (int i = 0; i < n; i++) {
      float u = at(place.u, i);
      float w = 1f - u;
      float b0 = pick(table, cells + width, index, i);
      float b1 = pick(table, cells + 2 * width, index, i);
      float b2 = pick(table, cells + 3 * width, index, i);
      float b3 = pick(table, cells + 4 * width, index, i);
      float ww = w * w;
      float uw = u * w;
      float uu = u * u;
      float two = b0 + b1;
      float three = two + b2;
      float low = Math.fma(b0 * w, ww, 1.5f * two * (uw * w));
      float mean = Math.fma(0.25f * (three + b3) * u, uu, Math.fma(three, uu * w, low));
      float size = Math.fma(at(place.distance, i), mean, pick(table, cells, index, i));
      float inner = 3f * Math.fma(b1, w, b2 * u);
      set(f1, to + i, Math.fma(b0 * w, ww, Math.fma(b3 * u, uu, inner * uw)));
      set(y, from + i, at(x, from + i) < 0f ? -size : size);
    }
  }

  /** Finds the cells of {@code n} elements of whole rows from number {@code from} on. */
  private static void locate(Matrix table, Matrix x, int from, Place place, int n) {
    cells(table, x, from, place, n);
    index(place, table.columns(), table.columns(), from % table.columns(), n);
  }

  private static void cells(Matrix table, Matrix x, int from, Place place, int n) {
    int intervals = intervals(table);
    cells(
        at(table, KNOT_DISTANCE * table.columns()),
        0.5f * (intervals % 2),
        last(intervals),
        x,
        from,
        place,
        n);
  }

  /**
   * Finds the places of the cells' F in a table of {@code columns} columns. The elements lie in
   * rows of {@code width}, the first of them in column {@code column}.
   */
  private static void index(Place place, int columns, int width, int column, int n) {
    float[] cells = place.cell.floats();
    int[] index = place.index;
    int cell = NUMBERS * columns;
    for (int from = 0, c = column, to; from < n; from = to, c = 0) {
      to = Math.min(n, from + width - c);
      int shift = c - from;
      for (int k = from; k < to; k++) {
        index[k] = ((int) cells[k]) * cell + (k + shift);
      }
    }
  }

  /**
   * @param step distance of knots
   * @param shift distance of zero from the knot before it, in steps
   * @param last number of the tail's cell
   */
  private static void cells(
      float step, float shift, float last, Matrix x, int from, Place place, int n) {
    float inverse = 1f / step;
    float ofFirst = inverse / (1f - shift);
    float side = last + 1f;
    for (int i = 0; i < n; i++) {
      float v = at(x, from + i);
      float size = Math.abs(v);
      float reached = Math.fma(size, inverse, shift);
      float bounded = reached > last ? last : reached;
      float nearest = (bounded + WHOLE) - WHOLE;
      float m = nearest > bounded ? nearest - 1f : nearest;
      float edge = m - shift;
      float distance = m > 0f ? Math.fma(-edge, step, size) : size;
      float ofCell = m > 0f ? inverse : ofFirst;
      set(place.cell, i, v < 0f ? m + side : m);
      set(place.distance, i, distance);
      set(place.u, i, m >= last ? 0f : distance * ofCell);
      set(place.inverse, i, m >= last ? 0f : ofCell);
    }
  }

  @Override
  public void derivatives(
      Matrix table, Matrix x, Matrix[] kept, Derivatives d, int highest, int from, int n) {
    Place place = Place.OF_THREAD.get();
    for (int at = 0, count; at < n; at += count) {
      count = Math.min(BLOCK, n - at);
      locate(table, x, from + at, place, count);
      derivatives(table, x, place, d, highest, from + at, at, count);
    }
  }

  private static void derivatives(
      Matrix table, Matrix x, Place place, Derivatives d, int highest, int from, int to, int n) {
    int width = table.columns();
    int cells = cellRow(intervals(table), 0, 0) * width;
    int[] index = place.index;
    for (int i = 0; i < n; i++) {
      float u = at(place.u, i);
      float w = 1f - u;
      float b0 = pick(table, cells + width, index, i);
      float b1 = pick(table, cells + 2 * width, index, i);
      float b2 = pick(table, cells + 3 * width, index, i);
      float b3 = pick(table, cells + 4 * width, index, i);
      float inner = 3f * Math.fma(b1, w, b2 * u);
      set(d.f1(), to + i, Math.fma(b0 * w, w * w, Math.fma(b3 * u, u * u, inner * (u * w))));
      if (highest >= 2) {
        float inverse = at(place.inverse, i);
        float rise = b1 - b0;
        float middle = b2 - b1;
        float end = b3 - b2;
        float first = Math.fma(rise * w, w, Math.fma(end * u, u, 2f * middle * (u * w)));
        float outward = at(x, from + i) < 0f ? -inverse : inverse;
        set(d.f2(), to + i, 3f * first * outward);
        if (highest >= 3) {
          float square = inverse * inverse;
          float second = Math.fma(middle - rise, w, (end - middle) * u);
          set(d.f3(), to + i, 6f * second * square);
          if (highest >= 4) {
            float third = (end - middle) - (middle - rise);
            set(d.f4(), to + i, 6f * third * (square * outward));
          }
        }
      }
    }
  }

  /** bars ← the cotangents of f', f'' …, as many as there are matrices. */
  @Override
  public void pullBackParameters(
      Matrix table,
      Matrix x,
      Matrix[] kept,
      Matrix fBar0,
      Cotangents fBar,
      Matrix[] bars,
      int from,
      int n) {
    copy(fBar.f1(), 0, bars[0], from, n);
    if (bars.length > 1) {
      copy(fBar.f2(), 0, bars[1], from, n);
    }
    if (bars.length > 2) {
      copy(fBar.f3(), 0, bars[2], from, n);
    }
  }

  private static void copy(Matrix source, int from, Matrix target, int to, int n) {
    System.arraycopy(
        source.floats(), source.offset() + from, target.floats(), target.offset() + to, n);
  }

  /** The root of a cell's quartic by Newton's method within the cell, in float64. */
  @Override
  public void inverse(Matrix table, Matrix y, Matrix x) {
    for (int k = 0; k < y.size(); k++) {
      set(x, k, (float) inverse(table, k % table.columns(), at(y, k)));
    }
  }

  private static double inverse(Matrix table, int column, double y) {
    int intervals = intervals(table);
    int columns = table.columns();
    int side = cellRow(intervals, y < 0 ? 1 : 0, 0) * columns + column;
    double size = Math.abs(y);
    int low = 0;
    int high = last(intervals);
    while (low < high) { // the last cell whose near end is not beyond; NaN stays in the first
      int middle = (low + high + 1) / 2;
      if (at(table, side + middle * NUMBERS * columns) <= size) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    int cell = side + low * NUMBERS * columns;
    double rest = size - at(table, cell);
    double b0 = at(table, cell + columns);
    double distance;
    double shift = 0.5 * (intervals % 2);
    double step = at(table, KNOT_DISTANCE * columns);
    if (low == last(intervals)) {
      distance = rest / b0;
    } else {
      double width = low > 0 ? step : step * (1 - shift);
      distance =
          width
              * root(
                  b0,
                  at(table, cell + 2 * columns),
                  at(table, cell + 3 * columns),
                  at(table, cell + 4 * columns),
                  rest / width);
    }
    double x = low > 0 ? (low - shift) * step + distance : distance;
    return y < 0 ? -x : x;
  }

  /** u in [0,1] at which the integral of the cubic from 0 is {@code area}. */
  private static double root(double b0, double b1, double b2, double b3, double area) {
    double low = 0;
    double high = 1;
    double u = area / (0.25 * (b0 + b1 + b2 + b3));
    for (int step = 0; step < NEWTON_STEPS; step++) {
      u = u > high ? high : u;
      double w = 1 - u;
      double mean =
          (b0 * w * w + 1.5 * (b0 + b1) * u * w + (b0 + b1 + b2) * u * u) * w
              + 0.25 * (b0 + b1 + b2 + b3) * u * u * u;
      double slope = (b0 * w * w + 3 * b1 * u * w + 3 * b2 * u * u) * w + b3 * u * u * u;
      double excess = u * mean - area;
      if (excess > 0) {
        high = u;
      } else {
        low = u;
      }
      double next = u - excess / slope;
      next = next < low || next > high ? (low + high) / 2 : next;
      if (Math.abs(next - u) <= 0x1p-53 * u) {
        return next;
      }
      u = next;
    }
    return u;
  }

  @Override
  public void exponentiate(Matrix theta, Matrix table, int row) {
    for (int r = 0; r < theta.rows(); r++) {
      exponentiate(
          theta,
          r * theta.stride(),
          table,
          (COEFFICIENTS + row + r) * table.columns(),
          theta.columns());
    }
  }

  private static void exponentiate(Matrix theta, int from, Matrix table, int to, int n) {
    FloatPolynomials.expOfNegative(
        1f, theta.floats(), theta.offset() + from, table.floats(), table.offset() + to, n);
    for (int i = 0; i < n; i++) {
      float e = at(table, to + i);
      set(table, to + i, at(theta, from + i) > 0f ? 1f / e : e);
    }
  }

  @Override
  public void tabulate(int intervals, double range, Matrix table) {
    int columns = table.columns();
    float step = (float) (2 * range / intervals);
    set(table, 0, intervals);
    set(table, KNOT_DISTANCE * columns, step);
    int last = last(intervals);
    for (int side = 0; side < 2; side++) {
      zero(table, cellRow(intervals, side, 0) * columns, columns);
      for (int m = 0; m <= last; m++) {
        int cell = cellRow(intervals, side, m) * columns;
        bernstein(
            table,
            coefficient(intervals, side, m, 0) * columns,
            coefficient(intervals, side, m, 1) * columns,
            coefficient(intervals, side, m, 2) * columns,
            coefficient(intervals, side, m, 3) * columns,
            cell,
            columns,
            columns);
        float quarter = step / 4;
        if (m == 0 && intervals % 2 == 1) {
          outerHalf(table, cell, columns, columns);
          quarter = step / 8;
        }
        if (m < last) {
          integrate(table, cell, columns, quarter, cell + NUMBERS * columns, columns);
        }
      }
    }
  }

  private static void zero(Matrix table, int from, int n) {
    for (int i = 0; i < n; i++) {
      set(table, from + i, 0f);
    }
  }

  /**
   * Row of the j-th of the four coefficients of a cell's interval, from its near end on: beyond the
   * last knots the outermost is repeated.
   */
  private static int coefficient(int intervals, int side, int m, int j) {
    int number = side == 0 ? intervals / 2 + m + j : (intervals - 1) / 2 - m + 3 - j;
    int outermost = MonotoneSplineFunction.coefficients(intervals) - 1;
    return COEFFICIENTS + Math.max(0, Math.min(outermost, number));
  }

  /** Bernstein coefficients of a cubic from those of its B-splines; exact where all are equal. */
  private static void bernstein(
      Matrix table, int e0, int e1, int e2, int e3, int cell, int width, int n) {
    for (int i = 0; i < n; i++) {
      float s1 = at(table, e1 + i);
      float s2 = at(table, e2 + i);
      float rise = s2 - s1;
      float before = at(table, e0 + i) - s1;
      float after = at(table, e3 + i) - s2;
      set(table, cell + width + i, Math.fma(before + rise, SIXTH, s1));
      set(table, cell + 2 * width + i, Math.fma(rise, THIRD, s1));
      set(table, cell + 3 * width + i, Math.fma(-rise, THIRD, s2));
      set(table, cell + 4 * width + i, Math.fma(after - rise, SIXTH, s2));
    }
  }

  /** The cubic's outer half in place of the whole, by de Casteljau's algorithm. */
  private static void outerHalf(Matrix table, int cell, int width, int n) {
    for (int i = 0; i < n; i++) {
      float b0 = at(table, cell + width + i);
      float b1 = at(table, cell + 2 * width + i);
      float b2 = at(table, cell + 3 * width + i);
      float b3 = at(table, cell + 4 * width + i);
      float inner = b1 + b2;
      float outer = b2 + b3;
      set(table, cell + width + i, 0.125f * ((b0 + b1) + 2f * inner + outer));
      set(table, cell + 2 * width + i, 0.25f * (inner + outer));
      set(table, cell + 3 * width + i, 0.5f * outer);
    }
  }

  /** F of the next cell from this one's. */
  private static void integrate(Matrix table, int cell, int width, float quarter, int next, int n) {
    for (int i = 0; i < n; i++) {
      float low = at(table, cell + width + i) + at(table, cell + 2 * width + i);
      float high = at(table, cell + 3 * width + i) + at(table, cell + 4 * width + i);
      set(table, next + i, Math.fma(low + high, quarter, at(table, cell + i)));
    }
  }

  @Override
  public void sumCotangents(
      Matrix table, Matrix x, Matrix fBar0, Matrix[] fBars, int from, Matrix tableBar) {
    Sums sums = Sums.OF_THREAD.get();
    tableBar.fill(0);
    int columns = tableBar.columns();
    int part = Math.min(columns, BLOCK);
    int rows = Math.max(1, BLOCK / Math.max(1, part));
    for (int row = 0; row < x.rows(); row += rows) {
      for (int column = 0; column < columns; column += part) {
        int width = Math.min(part, columns - column);
        int last = Math.min(x.rows(), row + rows);
        for (int r = row; r < last; r++) {
          int at = r * x.columns() + from + column;
          int to = (r - row) * width;
          copy(x, at, sums.x, to, width);
          copy(fBar0, at, sums.fBar0, to, width);
          for (int order = 0; order < fBars.length; order++) {
            copy(fBars[order], at, sums.fBars[order], to, width);
          }
        }
        sumBlock(table, sums, fBars.length, column, width, (last - row) * width, tableBar);
      }
    }
  }

  /** Sums a block whose rows have {@code width} elements, of columns {@code column} on. */
  private static void sumBlock(
      Matrix table, Sums sums, int orders, int column, int width, int n, Matrix tableBar) {
    Place place = Place.OF_THREAD.get();
    int columns = tableBar.columns();
    cells(table, sums.x, 0, place, n);
    index(place, columns, width, 0, n);
    parts(place, sums, sums.numbers, n);
    if (orders > 1) {
      addParts2(place, sums, sums.numbers, n);
    }
    if (orders > 2) {
      addParts3(place, sums, sums.numbers, n);
    }
    int first = tableBar.offset() + cellRow(intervals(table), 0, 0) * columns + column;
    add(sums.numbers, place.index, tableBar.floats(), first, columns, n);
  }

  private static void add(
      Matrix[] numbers, int[] index, float[] bars, int first, int columns, int n) {
    float[] ofF = numbers[0].floats();
    float[] ofB0 = numbers[1].floats();
    float[] ofB1 = numbers[2].floats();
    float[] ofB2 = numbers[3].floats();
    float[] ofB3 = numbers[4].floats();
    for (int k = 0; k < n; k++) {
      int bar = first + index[k];
      bars[bar] += ofF[k];
      bars[bar + columns] += ofB0[k];
      bars[bar + 2 * columns] += ofB1[k];
      bars[bar + 3 * columns] += ofB2[k];
      bars[bar + 4 * columns] += ofB3[k];
    }
  }

  /** What fBar0 and the cotangent of f' give: |f| = F + d·Σ q_j·b_j, f' = Σ p_j·b_j. */
  private static void parts(Place place, Sums sums, Matrix[] numbers, int n) {
    for (int i = 0; i < n; i++) {
      float u = at(place.u, i);
      float w = 1f - u;
      float ww = w * w;
      float uu = u * u;
      float p0 = ww * w;
      float p1 = 3f * u * ww;
      float p2 = 3f * uu * w;
      float p3 = uu * u;
      float q3 = 0.25f * p3;
      float q2 = Math.fma(uu, w, q3);
      float q1 = Math.fma(0.5f, p1, q2);
      float fBar0 = at(sums.fBar0, i);
      float sizeBar = at(sums.x, i) < 0f ? -fBar0 : fBar0;
      float meanBar = sizeBar * at(place.distance, i);
      float fBar1 = at(sums.fBars[0], i);
      set(numbers[0], i, sizeBar);
      set(numbers[1], i, Math.fma(meanBar, p0 + q1, fBar1 * p0));
      set(numbers[2], i, Math.fma(meanBar, q1, fBar1 * p1));
      set(numbers[3], i, Math.fma(meanBar, q2, fBar1 * p2));
      set(numbers[4], i, Math.fma(meanBar, q3, fBar1 * p3));
    }
  }

  /** What the cotangent of f'' adds. */
  private static void addParts2(Place place, Sums sums, Matrix[] numbers, int n) {
    for (int i = 0; i < n; i++) {
      float u = at(place.u, i);
      float w = 1f - u;
      float inverse = at(place.inverse, i);
      float bar = 3f * at(sums.fBars[1], i) * (at(sums.x, i) < 0f ? -inverse : inverse);
      float ww = w * w;
      float uu = u * u;
      float uw = 2f * u * w;
      set(numbers[1], i, Math.fma(-ww, bar, at(numbers[1], i)));
      set(numbers[2], i, Math.fma(ww - uw, bar, at(numbers[2], i)));
      set(numbers[3], i, Math.fma(uw - uu, bar, at(numbers[3], i)));
      set(numbers[4], i, Math.fma(uu, bar, at(numbers[4], i)));
    }
  }

  /** What the cotangent of the third derivative adds. */
  private static void addParts3(Place place, Sums sums, Matrix[] numbers, int n) {
    for (int i = 0; i < n; i++) {
      float u = at(place.u, i);
      float w = 1f - u;
      float inverse = at(place.inverse, i);
      float bar = 6f * at(sums.fBars[2], i) * (inverse * inverse);
      set(numbers[1], i, Math.fma(w, bar, at(numbers[1], i)));
      set(numbers[2], i, Math.fma(Math.fma(-2f, w, u), bar, at(numbers[2], i)));
      set(numbers[3], i, Math.fma(Math.fma(-2f, u, w), bar, at(numbers[3], i)));
      set(numbers[4], i, Math.fma(u, bar, at(numbers[4], i)));
    }
  }

  /** The lines of {@link #tabulate} in reverse order. */
  @Override
  public void pullBackTable(Matrix table, Matrix tableBar) {
    int intervals = intervals(table);
    float step = at(table, KNOT_DISTANCE * table.columns());
    int columns = tableBar.columns();
    int last = last(intervals);
    for (int side = 0; side < 2; side++) {
      for (int m = last; m >= 0; m--) {
        int cell = cellRow(intervals, side, m) * columns;
        boolean half = m == 0 && intervals % 2 == 1;
        if (m < last) {
          float quarter = half ? step / 8 : step / 4;
          pullBackIntegral(tableBar, cell, columns, quarter, cell + NUMBERS * columns, columns);
        }
        if (half) {
          pullBackOuterHalf(tableBar, cell, columns, columns);
        }
        pullBackBernstein(
            tableBar,
            coefficient(intervals, side, m, 0) * columns,
            coefficient(intervals, side, m, 1) * columns,
            coefficient(intervals, side, m, 2) * columns,
            coefficient(intervals, side, m, 3) * columns,
            cell,
            columns,
            columns);
      }
    }
  }

  private static void pullBackIntegral(
      Matrix bar, int cell, int width, float quarter, int next, int n) {
    for (int i = 0; i < n; i++) {
      float nextBar = at(bar, next + i);
      set(bar, cell + i, at(bar, cell + i) + nextBar);
      set(bar, cell + width + i, Math.fma(quarter, nextBar, at(bar, cell + width + i)));
      set(bar, cell + 2 * width + i, Math.fma(quarter, nextBar, at(bar, cell + 2 * width + i)));
      set(bar, cell + 3 * width + i, Math.fma(quarter, nextBar, at(bar, cell + 3 * width + i)));
      set(bar, cell + 4 * width + i, Math.fma(quarter, nextBar, at(bar, cell + 4 * width + i)));
    }
  }

  private static void pullBackOuterHalf(Matrix bar, int cell, int width, int n) {
    for (int i = 0; i < n; i++) {
      float b0 = 0.125f * at(bar, cell + width + i);
      float b1 = 0.25f * at(bar, cell + 2 * width + i);
      float b2 = 0.5f * at(bar, cell + 3 * width + i);
      float b3 = at(bar, cell + 4 * width + i);
      set(bar, cell + width + i, b0);
      set(bar, cell + 2 * width + i, Math.fma(3f, b0, b1));
      set(bar, cell + 3 * width + i, Math.fma(3f, b0, Math.fma(2f, b1, b2)));
      set(bar, cell + 4 * width + i, (b0 + b1) + (b2 + b3));
    }
  }

  /** The rows may be the same, so that each is written before the next is read. */
  private static void pullBackBernstein(
      Matrix bar, int e0, int e1, int e2, int e3, int cell, int width, int n) {
    for (int i = 0; i < n; i++) {
      float b0 = at(bar, cell + width + i);
      float b1 = at(bar, cell + 2 * width + i);
      float b2 = at(bar, cell + 3 * width + i);
      float b3 = at(bar, cell + 4 * width + i);
      float left = Math.fma(2f, b0 + b1, b2);
      float right = Math.fma(2f, b2 + b3, b1);
      set(bar, e0 + i, Math.fma(b0, SIXTH, at(bar, e0 + i)));
      set(bar, e1 + i, Math.fma(left, THIRD, Math.fma(b3, SIXTH, at(bar, e1 + i))));
      set(bar, e2 + i, Math.fma(right, THIRD, Math.fma(b0, SIXTH, at(bar, e2 + i))));
      set(bar, e3 + i, Math.fma(b3, SIXTH, at(bar, e3 + i)));
    }
  }

  @Override
  public void addGradient(Matrix table, Matrix tableBar, int row, int from, Matrix thetaBar) {
    int columns = tableBar.columns();
    for (int r = 0; r < thetaBar.rows(); r++) {
      int coefficient = COEFFICIENTS + row + r;
      addProduct(
          table,
          coefficient * table.columns() + from,
          tableBar,
          coefficient * columns,
          thetaBar,
          r * thetaBar.stride() + from,
          columns);
    }
  }

  private static void addProduct(
      Matrix e, int eAt, Matrix eBar, int barAt, Matrix thetaBar, int to, int n) {
    for (int i = 0; i < n; i++) {
      set(thetaBar, to + i, Math.fma(at(e, eAt + i), at(eBar, barAt + i), at(thetaBar, to + i)));
    }
  }
}
