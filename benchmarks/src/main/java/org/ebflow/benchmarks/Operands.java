package org.ebflow.benchmarks;

import java.util.Random;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/** Random operands, and checks of answers before anything is timed. */
final class Operands {
  private static final double ULP = Math.scalb(1.0, -23);
  private static final int CHECKED = 64;

  private Operands() {}

  /** Uniform on [-½, ½), float32. */
  static Matrix uniform(Random random, int rows, int columns) {
    return uniform(random, Matrix.allocate(Precision.FLOAT32, rows, columns));
  }

  /** A row of those numbers, float32. */
  static Matrix row(double... values) {
    return Matrix.of(values, 1, values.length).copy(Precision.FLOAT32);
  }

  /** As {@link #uniform(Random, int, int)}, in the given float32 matrix. */
  static Matrix uniform(Random random, Matrix matrix) {
    for (int r = 0; r < matrix.rows(); r++) {
      int from = matrix.offset() + r * matrix.stride();
      for (int i = from; i < from + matrix.columns(); i++) {
        matrix.floats()[i] = random.nextFloat() - 0.5f;
      }
    }
    return matrix;
  }

  /**
   * Compares elements of c drawn at random with sums in float64. Elements of a and b are at most ½:
   * each of the k terms is at most ¼, and may lose an ulp of that.
   */
  static void requireProduct(ProductShape shape, Matrix a, Matrix b, Matrix c) {
    Random random = new Random(2);
    for (int i = 0; i < CHECKED; i++) {
      int row = random.nextInt(shape.m());
      int column = random.nextInt(shape.n());
      double sum = 0;
      for (int j = 0; j < shape.k(); j++) {
        sum +=
            (shape.transposeA() ? a.get(j, row) : a.get(row, j))
                * (shape.transposeB() ? b.get(column, j) : b.get(j, column));
      }
      double error = Math.abs(c.get(row, column) - sum);
      if (!(error <= shape.k() * 0.25 * ULP)) {
        throw new IllegalStateException(
            shape
                + " is wrong at ("
                + row
                + ","
                + column
                + "): "
                + c.get(row, column)
                + ", expected "
                + sum);
      }
    }
  }

  /** Compares all elements: |actual - expected| ≤ tolerance·max(1, |expected|). */
  static void requireClose(Matrix actual, Matrix expected, double tolerance) {
    for (int r = 0; r < expected.rows(); r++) {
      for (int c = 0; c < expected.columns(); c++) {
        double error = Math.abs(actual.get(r, c) - expected.get(r, c));
        if (!(error <= tolerance * Math.max(1, Math.abs(expected.get(r, c))))) {
          throw new IllegalStateException(
              "wrong at ("
                  + r
                  + ","
                  + c
                  + "): "
                  + actual.get(r, c)
                  + ", expected "
                  + expected.get(r, c));
        }
      }
    }
  }
}
