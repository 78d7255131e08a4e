package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/** Small float64 arithmetic and comparisons of the tests. */
final class Numbers {
  private Numbers() {}

  static Matrix zeros(Matrix like) {
    return Matrix.allocate(Precision.FLOAT64, like.rows(), like.columns());
  }

  static Matrix stack(Matrix... parts) {
    double[][] rows =
        Arrays.stream(parts).flatMap(part -> Arrays.stream(part.toRows())).toArray(double[][]::new);
    return Matrix.ofRows(Precision.FLOAT64, rows);
  }

  static double dot(Matrix a, Matrix b) {
    double[] left = flat(a);
    double[] right = flat(b);
    return IntStream.range(0, left.length).mapToDouble(i -> left[i] * right[i]).sum();
  }

  static double[] flat(Matrix matrix) {
    return Arrays.stream(matrix.toRows()).flatMapToDouble(Arrays::stream).toArray();
  }

  /** Errors count relative to the largest number, but at least to one. */
  static void assertClose(double[] found, double[] expected, double tolerance) {
    assertThat(found).hasSameSizeAs(expected);
    double largest = Math.max(1, Arrays.stream(expected).map(Math::abs).max().orElse(0));
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i]).as("element %d", i).isCloseTo(expected[i], within(tolerance * largest));
    }
  }
}
