package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;

/**
 * One product c ← alpha·op(a)·op(b) + beta·c, its operands views inside larger arrays full of
 * sentinels, and the plain float64 loops that judge its result.
 */
final class Product {
  /** A value no product yields: guard bands hold it before and after. */
  private static final double SENTINEL = -12345.5;

  private static final int GUARD = 5;

  final boolean transposeA;
  final boolean transposeB;
  final Matrix a;
  final Matrix b;
  final Matrix c;
  private final Matrix wholeC;
  private final Matrix before;

  Product(
      Precision precision,
      int m,
      int n,
      int k,
      boolean transposeA,
      boolean transposeB,
      int gap,
      long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    this.transposeA = transposeA;
    this.transposeB = transposeB;
    a = inside(whole(precision, transposeA ? k : m, transposeA ? m : k, gap), gap);
    b = inside(whole(precision, transposeB ? n : k, transposeB ? k : n, gap), gap);
    wholeC = whole(precision, m, n, gap);
    c = inside(wholeC, gap);
    fillRandomly(a, random);
    fillRandomly(b, random);
    fillRandomly(c, random);
    before = c.copy(precision);
  }

  private static Matrix whole(Precision precision, int rows, int columns, int gap) {
    Matrix whole = Matrix.allocate(precision, rows + 2 * GUARD, columns + gap);
    whole.fill(SENTINEL);
    return whole;
  }

  private static Matrix inside(Matrix whole, int gap) {
    return whole
        .rows(GUARD, whole.rows() - GUARD)
        .columns(gap / 2, whole.columns() - gap + gap / 2);
  }

  static void fillRandomly(Matrix matrix, SplittableRandom random) {
    for (int r = 0; r < matrix.rows(); r++) {
      for (int column = 0; column < matrix.columns(); column++) {
        matrix.set(r, column, random.nextDouble(-1, 1));
      }
    }
  }

  void run(Blas blas, double alpha, double beta) {
    blas.multiply(transposeA, a, transposeB, b, alpha, beta, c);
  }

  /**
   * Every element is within the rounding of its own sum, whatever its order: (k + 3)·u·Σ|terms|, u
   * half an ulp of 1.
   */
  void checkAgainstLoops(double alpha, double beta) {
    double unit = a.precision() == Precision.FLOAT32 ? 0x1p-24 : 0x1p-53;
    int k = transposeA ? a.rows() : a.columns();
    for (int r = 0; r < c.rows(); r++) {
      for (int column = 0; column < c.columns(); column++) {
        double sum = beta == 0 ? 0 : beta * before.get(r, column);
        double magnitude = Math.abs(sum);
        for (int i = 0; i < k; i++) {
          double term =
              alpha
                  * (transposeA ? a.get(i, r) : a.get(r, i))
                  * (transposeB ? b.get(column, i) : b.get(i, column));
          sum += term;
          magnitude += Math.abs(term);
        }
        // twice, because the loops round as well
        assertThat(Math.abs(c.get(r, column) - sum))
            .as("(%d,%d): %s, expected %s", r, column, c.get(r, column), sum)
            .isLessThanOrEqualTo(2 * (k + 3) * unit * magnitude);
      }
    }
  }

  void checkGuards() {
    int top = GUARD;
    int left = (c.offset() - top * c.stride());
    for (int r = 0; r < wholeC.rows(); r++) {
      for (int column = 0; column < wholeC.columns(); column++) {
        boolean inside =
            r >= top && r < top + c.rows() && column >= left && column < left + c.columns();
        if (!inside && wholeC.get(r, column) != SENTINEL) {
          throw new AssertionError(
              "written outside the view at (" + (r - top) + "," + (column - left) + ") of " + c);
        }
      }
    }
  }
}
