package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class BlasTest {
  private static final boolean[] BOTH = {false, true};
  private static final int[][] SHAPES = {
    {1, 1, 1},
    {2, 3, 5},
    {7, 1, 9},
    {1, 17, 4},
    {8, 16, 32},
    {13, 33, 31},
    {43, 64, 43},
    {37, 97, 301},
    {100, 50, 2}
  };

  private static final int BLOCK = 64;
  private static final int[][] BLOCK_SIZES = {{43, 43}, {784, 43}, {43, 784}, {784, 784}};

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void multiplyMatchesPlainLoops(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    for (int[] shape : SHAPES) {
      for (boolean transposeA : BOTH) {
        for (boolean transposeB : BOTH) {
          for (int gap : List.of(0, 7)) {
            for (double beta : List.of(0.0, 1.0, -0.5)) {
              Product product =
                  new Product(
                      precision, shape[0], shape[1], shape[2], transposeA, transposeB, gap, 11);
              product.run(blas, 1.5, beta);
              product.checkAgainstLoops(1.5, beta);
              product.checkGuards();
            }
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void multiplyInSeveralCallsMatchesPlainLoops(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    // 2·40·21·200000 FLOP: above what one call may hold, so that rows or columns are divided
    Product product = new Product(precision, 40, 21, 200_000, false, true, 3, 12);
    product.run(blas, 1, 1);
    product.checkAgainstLoops(1, 1);
    product.checkGuards();
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void outputIsNotReadWhenBetaIsZero(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    for (int[] shape : SHAPES) {
      Product product = new Product(precision, shape[0], shape[1], shape[2], false, true, 1, 13);
      product.c.fill(Double.NaN);
      product.run(blas, 1, 0);
      product.checkAgainstLoops(1, 0);
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void inputsStayUnmodified(String name, Precision precision) {
    Product product = new Product(precision, 21, 19, 23, true, false, 2, 14);
    double[][] a = product.a.toRows();
    double[][] b = product.b.toRows();
    product.run(BackendsUnderTest.load(name), 1, 1);
    assertThat(product.a.toRows()).isDeepEqualTo(a);
    assertThat(product.b.toRows()).isDeepEqualTo(b);
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void nonFiniteInputsReachTheirRowsOnly(String name, Precision precision) {
    Product product = new Product(precision, 9, 35, 20, false, true, 0, 15);
    product.a.set(4, 3, Double.NaN);
    product.a.set(6, 0, Double.POSITIVE_INFINITY);
    product.run(BackendsUnderTest.load(name), 1, 0);
    for (int r = 0; r < 9; r++) {
      for (int column = 0; column < 35; column++) {
        assertThat(Double.isFinite(product.c.get(r, column))).isEqualTo(r != 4 && r != 6);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void productWithoutTermsScalesTheOutput(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    Matrix c = Matrix.allocate(precision, 2, 3);
    c.fill(4);
    blas.multiply(
        false,
        Matrix.allocate(precision, 2, 0),
        false,
        Matrix.allocate(precision, 0, 3),
        1,
        0.5,
        c);
    assertThat(c.toRows()).isDeepEqualTo(new double[][] {{2, 2, 2}, {2, 2, 2}});
    c.fill(Double.NaN);
    blas.multiply(
        false, Matrix.allocate(precision, 2, 5), false, Matrix.allocate(precision, 5, 3), 0, 0, c);
    assertThat(c.toRows()).isDeepEqualTo(new double[2][3]);
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void emptyOutputIsNoWork(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    Matrix a = Matrix.allocate(precision, 3, 4);
    Matrix b = Matrix.allocate(precision, 4, 3);
    Matrix c = Matrix.allocate(precision, 3, 3);
    c.fill(7);
    double[][] before = c.toRows();
    blas.multiply(false, a.rows(0, 0), false, b, 1, 0, c.rows(0, 0));
    blas.multiply(false, a, false, b.columns(0, 0), 1, 0, c.columns(0, 0));
    assertThat(c.toRows()).isDeepEqualTo(before);
  }

  /**
   * Scoring pads rows to one block size, so that a row's bits depend on nothing but the row and its
   * place.
   */
  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void bitsOfARowDoNotDependOnItsNeighbours(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    for (int[] sizes : BLOCK_SIZES) {
      for (boolean transposeB : BOTH) {
        Product product =
            new Product(precision, BLOCK, sizes[0], sizes[1], false, transposeB, 0, 16);
        product.run(blas, 1, 0);
        Matrix before = product.c.copy(precision);
        Matrix block = product.a.copy(precision);
        for (int place : new int[] {0, 5, 6, 11, 12, 40, 63}) {
          Matrix row = product.a.rows(place, place + 1).copy(precision);
          Product.fillRandomly(product.a, new SplittableRandom(place));
          product.a.rows(place, place + 1).copyFrom(row);
          product.run(blas, 1, 0);
          assertThat(product.c.rows(place, place + 1).toRows())
              .as("n %d, k %d, transposed %s, place %d", sizes[0], sizes[1], transposeB, place)
              .isDeepEqualTo(before.rows(place, place + 1).toRows());
          product.a.copyFrom(block);
        }
      }
    }
  }

  /**
   * Promised of our own products only: OpenBLAS's float32 kernel for AVX2 sums the first and the
   * last six of twelve rows in different orders.
   */
  @ParameterizedTest
  @MethodSource("javaBackends")
  void bitsOfARowDoNotDependOnItsPlace(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    for (int[] sizes : BLOCK_SIZES) {
      for (boolean transposeB : BOTH) {
        Product product =
            new Product(precision, BLOCK, sizes[0], sizes[1], false, transposeB, 0, 16);
        for (int r = 1; r < BLOCK; r++) {
          product.a.rows(r, r + 1).copyFrom(product.a.rows(0, 1));
        }
        product.run(blas, 1, 0);
        double[][] rows = product.c.toRows();
        for (int place = 1; place < BLOCK; place++) {
          assertThat(rows[place])
              .as("n %d, k %d, transposed %s, place %d", sizes[0], sizes[1], transposeB, place)
              .containsExactly(rows[0]);
        }
      }
    }
  }

  static Stream<Arguments> javaBackends() {
    return BackendsUnderTest.withPrecisions()
        .filter(arguments -> arguments.get()[0].toString().startsWith("java"));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 64})
  void collectiveProductMatchesPlainLoops(int workers) {
    try (Team team = new Team(workers)) {
      for (int[] shape : SHAPES) {
        for (boolean transposeA : BOTH) {
          for (double beta : List.of(0.0, 1.0)) {
            Product product =
                new Product(
                    Precision.FLOAT64, shape[0], shape[1], shape[2], transposeA, true, 3, 18);
            Blas blas = Blas.named("openblas");
            team.run(
                worker ->
                    blas.multiply(
                        worker, transposeA, product.a, true, product.b, 1, beta, product.c));
            product.checkAgainstLoops(1, beta);
            product.checkGuards();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void collectiveProductGivesTheSameBitsEachTime(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    try (Team team = new Team(3)) {
      Product product = new Product(precision, 50, 131, 77, false, true, 1, 19);
      team.run(worker -> blas.multiply(worker, false, product.a, true, product.b, 1, 0, product.c));
      double[][] first = product.c.toRows();
      for (int i = 0; i < 20; i++) {
        product.c.fill(Double.NaN);
        team.run(
            worker -> blas.multiply(worker, false, product.a, true, product.b, 1, 0, product.c));
        assertThat(product.c.toRows()).isDeepEqualTo(first);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void productsAllocateNothing(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    Product product = new Product(precision, 6, 16, 5, false, true, 3, 20);
    assertThat(Allocation.perCall(() -> product.run(blas, 1, 0), 5_000)).isZero();
  }

  @Test
  void collectiveProductsAllocateNothing() {
    Blas blas = Blas.named("openblas");
    Product product = new Product(Precision.FLOAT32, 16, 64, 5, false, true, 3, 20);
    Team.Program program =
        worker -> blas.multiply(worker, false, product.a, true, product.b, 1, 0, product.c);
    try (Team team = new Team(2)) {
      assertThat(Allocation.perCall(() -> team.run(program), 2_000)).isZero();
    }
  }

  @Test
  void wrongShapesAreRefusedWithAllThree() {
    Blas blas = Blas.auto();
    Matrix a = Matrix.allocate(Precision.FLOAT32, 4, 3);
    Matrix c = Matrix.allocate(Precision.FLOAT32, 4, 5);
    assertThatThrownBy(
            () -> blas.multiply(false, a, false, Matrix.allocate(Precision.FLOAT32, 2, 5), 1, 0, c))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("Blas.multiply", "[4,3]", "[2,5]", "[4,5]");
    assertThatThrownBy(
            () -> blas.multiply(true, a, false, Matrix.allocate(Precision.FLOAT32, 3, 5), 1, 0, c))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> blas.multiply(false, a, true, Matrix.allocate(Precision.FLOAT32, 3, 5), 1, 0, c))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> blas.multiply(false, a, false, Matrix.allocate(Precision.FLOAT64, 3, 5), 1, 0, c))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> blas.factorize(a, Precision.FLOAT64))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void overlappingOutputIsRefused() {
    Blas blas = Blas.auto();
    Matrix whole = Matrix.allocate(Precision.FLOAT64, 9, 3);
    Matrix other = Matrix.allocate(Precision.FLOAT64, 3, 3);
    assertThatThrownBy(
            () -> blas.multiply(false, whole.rows(0, 3), false, other, 1, 0, whole.rows(2, 5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("shares elements");
    assertThatThrownBy(
            () -> blas.multiply(false, other, false, whole.rows(0, 3), 1, 0, whole.rows(2, 5)))
        .isInstanceOf(IllegalArgumentException.class);
    blas.multiply(false, whole.rows(0, 3), false, other, 1, 0, whole.rows(3, 6));
  }
}
