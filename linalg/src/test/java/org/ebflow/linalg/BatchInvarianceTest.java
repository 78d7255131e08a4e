package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.ebflow.linalg.backend.BlasBackend;
import org.ebflow.linalg.backend.LuFactors;
import org.ebflow.linalg.java.JavaBackend;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class BatchInvarianceTest {
  private static final int ROWS = 64;
  private static final int[] SIZES = {1, 2, 3, 5, 31, 43, 64, 100};

  /** {k, n} of products too large for every pair of their sizes. */
  private static final int[][] LARGE = {
    {784, 784}, {1000, 31}, {3072, 100}, {100, 3072}, {255, 513}
  };

  static Stream<Arguments> productsAndPrecisions() {
    return Stream.of(Blas.batchInvariant(), new Blas(new JavaBackend(false)))
        .flatMap(
            blas -> Stream.of(Precision.values()).map(precision -> Arguments.of(blas, precision)));
  }

  /** The rows of x, those from {@code from} on first. */
  private static Matrix rotated(Matrix x, int from) {
    Matrix result = Matrix.allocate(x.precision(), x.rows(), x.columns());
    result.rows(0, x.rows() - from).copyFrom(x.rows(from, x.rows()));
    result.rows(x.rows() - from, x.rows()).copyFrom(x.rows(0, from));
    return result;
  }

  private static Matrix random(Precision precision, int rows, int columns, long seed) {
    Matrix matrix = Matrix.allocate(precision, rows, columns);
    Product.fillRandomly(matrix, new SplittableRandom(seed));
    return matrix;
  }

  private static Matrix product(Blas blas, boolean transposeWeight, Matrix x, Matrix weight) {
    Matrix y =
        Matrix.allocate(
            x.precision(), x.rows(), transposeWeight ? weight.rows() : weight.columns());
    blas.multiply(false, x, transposeWeight, weight, 1, 0, y);
    return y;
  }

  private static void check(
      Blas blas, Precision precision, boolean transposeWeight, int k, int n, int[] shifts) {
    Matrix x = random(precision, ROWS, k, 31L * k + n);
    Matrix weight = transposeWeight ? random(precision, n, k, 5) : random(precision, k, n, 5);
    Matrix y = product(blas, transposeWeight, x, weight);
    for (int shift : shifts) {
      assertThat(product(blas, transposeWeight, rotated(x, shift), weight).array())
          .as("k=%d, n=%d, rows %d and following first", k, n, shift)
          .isEqualTo(rotated(y, shift).array());
      Matrix alone = product(blas, transposeWeight, x.rows(shift, shift + 1), weight);
      assertThat(alone.array())
          .as("row %d alone", shift)
          .isEqualTo(y.rows(shift, shift + 1).copy(precision).array());
    }
    Matrix some = product(blas, transposeWeight, x.rows(5, 5 + 7), weight);
    assertThat(some.array()).isEqualTo(y.rows(5, 5 + 7).copy(precision).array());
  }

  @ParameterizedTest
  @MethodSource("productsAndPrecisions")
  void aRowHasTheSameBitsAloneAndAtEveryPlace(Blas blas, Precision precision) {
    int[] everywhere = new int[ROWS];
    for (int i = 0; i < ROWS; i++) {
      everywhere[i] = i;
    }
    for (int k : SIZES) {
      for (int n : SIZES) {
        int[] shifts = k * n < 1000 ? everywhere : new int[] {0, 1, 7, 16, 51, 63};
        check(blas, precision, true, k, n, shifts);
        check(blas, precision, false, k, n, shifts);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BatchInvarianceTest#precisions")
  void aRowOfALargeProductHasTheSameBitsAloneAndAtOtherPlaces(Precision precision) {
    for (int[] size : LARGE) {
      check(Blas.batchInvariant(), precision, true, size[0], size[1], new int[] {1, 13, 63});
      check(Blas.batchInvariant(), precision, false, size[0], size[1], new int[] {1, 13, 63});
    }
  }

  static Stream<Precision> precisions() {
    return Stream.of(Precision.values());
  }

  @Test
  void sharedByATeamTheBitsAreTheSame() {
    Matrix x = random(Precision.FLOAT32, ROWS, 100, 1);
    Matrix weight = random(Precision.FLOAT32, 257, 100, 2);
    Matrix y = Matrix.allocate(Precision.FLOAT32, ROWS, 257);
    try (Team team = new Team(3)) {
      team.run(worker -> Blas.batchInvariant().multiply(worker, false, x, true, weight, 1, 0, y));
    }
    assertThat(y.array()).isEqualTo(product(Blas.batchInvariant(), true, x, weight).array());
  }

  /** {rows, k, n} of products that native kernels may compute otherwise at other places. */
  static Stream<Arguments> nativeProducts() {
    return Stream.of("java", "openblas", "onednn", "netlib")
        .flatMap(
            name -> Stream.of(Precision.values()).map(precision -> Arguments.of(name, precision)));
  }

  @ParameterizedTest
  @MethodSource("nativeProducts")
  void aBackendThatIsBatchInvariantForAShapeGivesARowTheSameBitsAtEveryPlace(
      String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    int invariant = 0;
    for (int[] size : new int[][] {{64, 784, 784}, {128, 300, 300}, {64, 31, 43}, {64, 513, 255}}) {
      Matrix weight = random(precision, size[2], size[1], 5);
      if (!blas.isBatchInvariant(5, size[0], weight)) {
        continue; // of its right to say no there is the test below
      }
      invariant++;
      Matrix x = random(precision, size[0], size[1], 6);
      Matrix y = product(blas, true, x, weight);
      for (int shift = 1; shift < size[0]; shift++) {
        assertThat(product(blas, true, rotated(x, shift), weight).array())
            .as("%d rows, k=%d, n=%d, from row %d", size[0], size[1], size[2], shift)
            .isEqualTo(rotated(y, shift).array());
      }
      assertThat(product(blas, true, x.rows(3, 8), weight).array())
          .as("5 rows, k=%d, n=%d", size[1], size[2])
          .isEqualTo(y.rows(3, 8).copy(precision).array());
    }
    if (name.equals("java")) {
      assertThat(invariant).as("shapes for which plain loops are batch-invariant").isEqualTo(4);
    }
    assumeTrue(
        invariant > 0, name + " is batch-invariant for none of these shapes on this processor");
  }

  @ParameterizedTest
  @MethodSource("precisions")
  void aBackendThatSumsOneRowInAnotherOrderIsFoundOut(Precision precision) {
    Matrix weight = random(precision, 20, 50, 5);
    for (int odd = 0; odd < 7; odd++) {
      assertThat(new Blas(new OneRowBackwards(odd, 7, 50)).isBatchInvariant(3, 7, weight))
          .isFalse();
    }
    assertThat(new Blas(new OneRowBackwards(1, 3, 50)).isBatchInvariant(3, 7, weight)).isFalse();
    assertThat(new Blas(new OneRowBackwards(1, 4, 50)).isBatchInvariant(3, 7, weight)).isTrue();
  }

  @ParameterizedTest
  @MethodSource("precisions")
  void soIsOneThatDoesWhereTheRowsOfTheWeightLieApart(Precision precision) {
    Blas blas = new Blas(new OneRowBackwards(2, 7, 53));
    Matrix wide = random(precision, 20, 53, 5);
    assertThat(blas.isBatchInvariant(3, 7, wide.columns(0, 50).copy(precision))).isTrue();
    assertThat(blas.isBatchInvariant(3, 7, wide.columns(0, 50))).isFalse();
  }

  /**
   * Sums from the first term to the last, but in one row of products of so many rows, by weights of
   * that stride, from the last to the first.
   */
  private record OneRowBackwards(int odd, int rows, int stride) implements BlasBackend {
    @Override
    public String name() {
      return "one row backwards";
    }

    @Override
    public String version() {
      return "";
    }

    @Override
    public void multiply(
        boolean transposeA,
        boolean transposeB,
        int m,
        int n,
        int k,
        double alpha,
        Matrix a,
        int aFrom,
        Matrix b,
        int bFrom,
        double beta,
        Matrix c,
        int cFrom) {
      boolean single = c.precision() == Precision.FLOAT32;
      for (int row = 0; row < m; row++) {
        for (int column = 0; column < n; column++) {
          double sum = 0;
          for (int i = 0; i < k; i++) {
            int p = m == rows && row == odd && b.stride() == stride ? k - 1 - i : i;
            sum += a.get(row, p) * b.get(column, p);
            sum = single ? (float) sum : sum;
          }
          c.set(row, column, sum);
        }
      }
    }

    @Override
    public LuFactors newLu(Precision precision, int n) {
      throw new UnsupportedOperationException();
    }
  }
}
