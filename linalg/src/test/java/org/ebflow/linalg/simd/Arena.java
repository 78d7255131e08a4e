package org.ebflow.linalg.simd;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * Hands out matrices with odd offsets and guard bands, filled from a seed, and remembers them for a
 * comparison.
 */
final class Arena {
  static final double GUARD = 12345.678;
  private static final int BAND = 19;
  private static final double[] SPECIAL = {
    0.0,
    -0.0,
    1e-310,
    -1e-310,
    1e-42,
    -1e-42,
    1e-30,
    -1e-30,
    1,
    -1,
    20,
    -20,
    87.5,
    -87.5,
    -95,
    -103,
    700,
    -700,
    -740,
    1e30,
    -1e30,
    Double.POSITIVE_INFINITY,
    Double.NEGATIVE_INFINITY,
    Double.NaN
  };

  private final Precision precision;
  private final RandomGenerator random;
  private final boolean special;
  private final List<Matrix> wholes = new ArrayList<>();
  private final List<Matrix> sums = new ArrayList<>();
  private final List<Matrix> views = new ArrayList<>();

  Arena(Precision precision, long seed, boolean special) {
    this.precision = precision;
    this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    this.special = special;
  }

  /**
   * Everything handed out by {@link #matrix}, with its guard bands, as rows of one number per
   * element.
   */
  List<Matrix> wholes() {
    return wholes;
  }

  /** The float64 sums of rows handed out. */
  List<Matrix> sums() {
    return sums;
  }

  /** The views handed out by {@link #matrix}. */
  List<Matrix> views() {
    return views;
  }

  /** Numbers of both signs over four decades, one in four a special value where asked for. */
  Matrix matrix(int rows, int columns) {
    Matrix view = empty(rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        double value = random.nextGaussian() * Math.pow(10, random.nextDouble(-2, 0.7));
        int pick = random.nextInt(4 * SPECIAL.length);
        view.set(r, c, special && pick < SPECIAL.length ? SPECIAL[pick] : value);
      }
    }
    return view;
  }

  /** Numbers in (0,1). */
  Matrix fractions(int rows, int columns) {
    Matrix view = empty(rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        view.set(r, c, 1 / (1 + Math.exp(3 * random.nextGaussian())));
      }
    }
    return view;
  }

  /** Numbers in (½,3/2). */
  Matrix slopes(int rows, int columns) {
    Matrix view = fractions(rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        view.set(r, c, 0.5 + view.get(r, c));
      }
    }
    return view;
  }

  /** A view full of guards, to be overwritten. */
  Matrix empty(int rows, int columns) {
    int offset = BAND + random.nextInt(BAND);
    Matrix whole = Matrix.allocate(precision, 1, offset + rows * columns + BAND);
    whole.fill(GUARD);
    wholes.add(whole);
    Matrix view = whole.columns(offset, offset + rows * columns).reshape(rows, columns);
    views.add(view);
    return view;
  }

  /** A float64 number per row. */
  Matrix perRow(int rows) {
    Matrix view = Matrix.allocate(Precision.FLOAT64, 1, rows + 2 * BAND).columns(BAND, BAND + rows);
    for (int r = 0; r < rows; r++) {
      view.set(0, r, random.nextGaussian());
    }
    sums.add(view);
    return view;
  }
}
