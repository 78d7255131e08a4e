package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.ebflow.linalg.backend.PackedOperand;
import org.ebflow.linalg.onednn.OneDnnBackend;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PackedWeightTest {
  private static final int FEW = 8;
  private static final int ROWS = 256;
  private static final float UNTOUCHED = 77;

  /** {k, n}, rounded or not. */
  static Stream<Arguments> shapes() {
    return Stream.of(new int[][] {{1, 1}, {3, 5}, {43, 43}, {129, 200}, {784, 300}})
        .flatMap(
            size -> Stream.of(false, true).map(rounded -> Arguments.of(size[0], size[1], rounded)));
  }

  private static Blas blas(boolean rounded) {
    Blas blas = BackendsUnderTest.load("onednn");
    assumeTrue(
        !rounded || blas.multipliesBFloat16(), "oneDNN has no bfloat16 products on this processor");
    return blas;
  }

  private static Matrix random(int rows, int columns, long seed) {
    Matrix matrix = Matrix.allocate(Precision.FLOAT32, rows, columns);
    Product.fillRandomly(matrix, new SplittableRandom(seed));
    return matrix;
  }

  private static Operand operand(Matrix x, boolean rounded) {
    if (!rounded) {
      return x;
    }
    BFloat16Matrix result = BFloat16Matrix.allocate(x.rows(), x.columns());
    KernelChoice.reference(Precision.FLOAT32).bfloat16().round(x.copy(Precision.FLOAT32), result);
    return result;
  }

  private static PackedWeight pack(Blas blas, Operand weight) {
    PackedWeight packed = blas.pack(FEW, ROWS, weight);
    assumeTrue(packed != null, "oneDNN's primitives are not batch-invariant for this shape");
    return packed;
  }

  /** Products in float64 of the operands as they are. */
  private static void assertProduct(Operand x, Operand weight, Matrix y) {
    double tolerance = 4e-7 * Math.sqrt(x.columns()) * 4;
    for (int r = 0; r < y.rows(); r++) {
      for (int c = 0; c < y.columns(); c++) {
        double sum = 0;
        double size = 1e-30;
        for (int i = 0; i < x.columns(); i++) {
          double term = at(x, r, i) * at(weight, c, i);
          sum += term;
          size += Math.abs(term);
        }
        assertThat(Math.abs(y.get(r, c) - sum)).as("(%d,%d)", r, c).isLessThan(tolerance * size);
      }
    }
  }

  private static double at(Operand operand, int r, int c) {
    return operand instanceof Matrix matrix
        ? matrix.get(r, c)
        : ((BFloat16Matrix) operand).get(r, c);
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void multipliesAnyNumberOfRows(int k, int n, boolean rounded) {
    Operand weight = operand(random(n, k, 1), rounded);
    try (PackedWeight packed = pack(blas(rounded), weight)) {
      for (int rows : new int[] {1, FEW, 37, ROWS, 256}) {
        Operand x = operand(random(rows, k, rows), rounded);
        Matrix y = Matrix.allocate(Precision.FLOAT32, rows, n);
        for (int again = 0; again < 2; again++) {
          y.fill(Double.NaN);
          packed.multiply(x, y);
          assertProduct(x, weight, y);
        }
      }
    }
  }

  @Test
  void whatIsClosedRefusesAndHarmsNobody() {
    Matrix weight = random(30, 25, 2);
    Matrix x = random(7, 25, 1);
    Matrix y = Matrix.allocate(Precision.FLOAT32, 7, 30);
    PackedWeight packed = pack(blas(false), weight);
    packed.multiply(x, y);
    packed.close();
    assertThatThrownBy(() -> packed.multiply(x, y)).isInstanceOf(IllegalStateException.class);
    try (PackedWeight other = pack(blas(false), weight)) {
      other.multiply(x, y);
    }
    assertProduct(x, weight, y);
  }

  @Test
  void readsAndWritesViews() {
    Matrix wide = random(40, 60, 1);
    Matrix weight = random(30, 25, 2);
    Matrix into = Matrix.allocate(Precision.FLOAT32, 40, 50);
    into.fill(UNTOUCHED);
    try (PackedWeight packed = pack(blas(false), weight)) {
      packed.multiply(wide.rows(3, 10).columns(7, 32), into.rows(2, 9).columns(11, 41));
    }
    assertProduct(wide.rows(3, 10).columns(7, 32), weight, into.rows(2, 9).columns(11, 41));
    for (int r = 0; r < into.rows(); r++) {
      for (int c = 0; c < into.columns(); c++) {
        if (r < 2 || r >= 9 || c < 11 || c >= 41) {
          assertThat(into.get(r, c)).isEqualTo(UNTOUCHED);
        }
      }
    }
  }

  @Test
  void packsAWeightThatIsAView() {
    Matrix weight = random(50, 60, 1).rows(5, 35).columns(9, 49);
    Matrix x = random(ROWS, 40, 2);
    Matrix y = Matrix.allocate(Precision.FLOAT32, ROWS, 30);
    try (PackedWeight packed = pack(blas(false), weight)) {
      packed.multiply(x, y);
    }
    assertProduct(x, weight, y);
  }

  /** n around one, two, four and more strips, rounded or not. */
  static Stream<Arguments> triangles() {
    return Stream.of(1, 31, 383, 384, 417, 784, 1600)
        .flatMap(n -> Stream.of(false, true).map(rounded -> Arguments.of(n, rounded)));
  }

  private static Matrix randomUpper(int n) {
    Matrix weight = random(n, n, n);
    for (int r = 0; r < n; r++) {
      weight.rows(r, r + 1).columns(0, r).fill(0);
    }
    return weight;
  }

  /** By the backend itself, so that no error hides behind the test of batch invariance. */
  private static PackedOperand form(boolean rounded, boolean upper, Operand weight) {
    blas(rounded);
    PackedOperand packed = new OneDnnBackend().pack(ROWS, upper, weight);
    assumeTrue(packed != null, "oneDNN has no packed form of weights on this processor");
    return packed;
  }

  @ParameterizedTest
  @MethodSource("triangles")
  void multipliesByAnUpperTriangularWeight(int n, boolean rounded) {
    Operand weight = operand(randomUpper(n), rounded);
    try (PackedOperand packed = form(rounded, true, weight)) {
      for (int rows : new int[] {1, 19}) {
        Operand x = operand(random(rows, n, rows), rounded);
        Matrix y = Matrix.allocate(Precision.FLOAT32, rows, n);
        y.fill(Double.NaN);
        packed.multiply(x, y, rows);
        assertProduct(x, weight, y);
        y.fill(Double.NaN);
        packed.multiply(x, y, ROWS);
        assertProduct(x, weight, y);
      }
    }
  }

  /** Widths at some of which oneDNN orders sums by the number of rows. */
  static Stream<Arguments> widths() {
    return Stream.of(300, 432, 450, 452, 784, 786)
        .flatMap(n -> Stream.of(false, true).map(rounded -> Arguments.of(n, rounded)));
  }

  @ParameterizedTest
  @MethodSource("widths")
  void aRowHasTheSameBitsAmongFewAndManyAndAtEveryPlace(int n, boolean rounded) {
    Blas blas = blas(rounded);
    for (boolean upper : new boolean[] {false, true}) {
      Operand weight = operand(upper ? randomUpper(n) : random(n, n, 4), rounded);
      form(rounded, upper, weight).close();
      assertThat(upper && !blas.packsUpperTriangular(FEW, ROWS, weight)).isFalse();
      PackedWeight found =
          upper ? blas.packUpperTriangular(FEW, ROWS, weight) : blas.pack(FEW, ROWS, weight);
      assertThat(found).isNotNull();
      try (PackedWeight packed = found) {
        Matrix all = random(ROWS, n, 3);
        Matrix y = Matrix.allocate(Precision.FLOAT32, ROWS, n);
        packed.multiply(operand(all, rounded), y);
        assertProduct(operand(all.rows(0, 3), rounded), weight, y.rows(0, 3));
        for (int from = 0; from + FEW <= ROWS; from += 7) {
          Matrix few = Matrix.allocate(Precision.FLOAT32, FEW, n);
          packed.multiply(operand(all.rows(from, from + FEW), rounded), few);
          assertThat(few.floats())
              .isEqualTo(y.rows(from, from + FEW).copy(Precision.FLOAT32).floats());
        }
      }
    }
  }

  /** Widths that kernels for AMX do not divide, with rows of NaN and of infinity in between. */
  @ParameterizedTest
  @CsvSource({"257,false", "257,true", "401,false", "401,true", "784,false", "784,true"})
  void aRowThatIsNotFiniteReachesNoOther(int n, boolean rounded) {
    int rows = ROWS;
    int infinite = 40;
    int notANumber = 100;
    Matrix x = random(rows, n, 5);
    for (boolean upper : new boolean[] {false, true}) {
      Operand weight = operand(upper ? randomUpper(n) : random(n, n, 6), rounded);
      try (PackedOperand packed = form(rounded, upper, weight)) {
        Matrix expected = Matrix.allocate(Precision.FLOAT32, rows, n);
        packed.multiply(operand(x, rounded), expected, rows);
        Matrix poisoned = x.copy(Precision.FLOAT32);
        poisoned.rows(infinite, infinite + 1).fill(Double.POSITIVE_INFINITY);
        poisoned.rows(notANumber, notANumber + 1).fill(Double.NaN);
        Matrix y = Matrix.allocate(Precision.FLOAT32, rows, n);
        for (int again = 0; again < 2; again++) { // the second in memory that the first has used
          packed.multiply(operand(poisoned, rounded), y, rows);
          for (int r = 0; r < rows; r++) {
            if (r != infinite && r != notANumber) {
              assertThat(y.rows(r, r + 1).toRows()).isDeepEqualTo(expected.rows(r, r + 1).toRows());
            }
          }
        }
      }
    }
  }

  @Test
  void onlySquareWeightsAreTriangular() {
    Blas blas = blas(false);
    Matrix weight = random(20, 30, 7);
    assertThat(blas.packsUpperTriangular(FEW, ROWS, weight)).isFalse();
    assertThatThrownBy(() -> blas.packUpperTriangular(FEW, ROWS, weight))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a square matrix");
  }

  @Test
  void manyThreadsMultiplyAtOnce() {
    int threads = 8;
    Matrix x = random(ROWS, 200, 5);
    AtomicInteger different = new AtomicInteger();
    try (PackedWeight packed = pack(blas(false), random(150, 200, 6));
        Team team = new Team(threads)) {
      Matrix expected = Matrix.allocate(Precision.FLOAT32, ROWS, 150);
      packed.multiply(x, expected);
      team.run(
          worker -> {
            Matrix y = Matrix.allocate(Precision.FLOAT32, ROWS, 150);
            for (int i = 0; i < 20; i++) {
              y.fill(0);
              packed.multiply(x, y);
              if (!Arrays.equals(y.floats(), expected.floats())) {
                different.incrementAndGet();
              }
            }
          });
    }
    assertThat(different).hasValue(0);
  }

  @Test
  void keepsTheWeightAsItWas() {
    Matrix weight = random(20, 30, 7);
    Matrix before = weight.copy(Precision.FLOAT32);
    Matrix x = random(FEW, 30, 8);
    Matrix y = Matrix.allocate(Precision.FLOAT32, FEW, 20);
    try (PackedWeight packed = pack(blas(false), weight)) {
      weight.fill(0);
      packed.multiply(x, y);
    }
    assertProduct(x, before, y);
  }

  @Test
  void noRowsAreNoProduct() {
    Matrix y = random(FEW, 20, 8);
    Matrix before = y.copy(Precision.FLOAT32);
    try (PackedWeight packed = pack(blas(false), random(20, 30, 7))) {
      packed.multiply(random(FEW, 30, 9).rows(0, 0), y.rows(0, 0));
    }
    assertThat(y.toRows()).isDeepEqualTo(before.toRows());
  }

  /** The java backend is batch-invariant for every shape, in both precisions. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void aKeptWeightMultipliesTheTwoNumbersOfRowsAndNoOther(Precision precision) {
    Blas blas = BackendsUnderTest.load("java");
    Matrix weight = random(20, 30, 7).copy(precision);
    PackedWeight found = blas.keep(FEW, ROWS, weight);
    assertThat(found).isNotNull();
    try (PackedWeight kept = found) {
      for (int rows : new int[] {FEW, ROWS}) {
        Matrix x = random(rows, 30, rows).copy(precision);
        Matrix y = Matrix.allocate(precision, rows, 20);
        kept.multiply(x, y);
        assertProduct(x, weight, y);
      }
      Matrix x = random(FEW + 1, 30, 1).copy(precision);
      Matrix y = Matrix.allocate(precision, FEW + 1, 20);
      assertThatThrownBy(() -> kept.multiply(x, y))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected 8 or 256 rows");
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (PackedWeight packed = pack(blas(false), random(20, 30, 7))) {
      Matrix x = Matrix.allocate(Precision.FLOAT32, 4, 30);
      Matrix y = Matrix.allocate(Precision.FLOAT32, 4, 20);
      refused(packed, Matrix.allocate(Precision.FLOAT32, 4, 29), y);
      refused(packed, Matrix.allocate(Precision.FLOAT32, 5, 30), y);
      refused(packed, Matrix.allocate(Precision.FLOAT64, 4, 30), y);
      refused(packed, BFloat16Matrix.allocate(4, 30), y);
      refused(packed, x, Matrix.allocate(Precision.FLOAT32, 4, 30));
      refused(packed, x, Matrix.allocate(Precision.FLOAT64, 4, 20));
    }
  }

  private static void refused(PackedWeight packed, Operand x, Matrix y) {
    assertThatThrownBy(() -> packed.multiply(x, y))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected [m,30] in the format of the weight and [m,20] FLOAT32");
  }

  @ParameterizedTest
  @ValueSource(strings = {"openblas", "netlib", "java"})
  void otherBackendsHaveNoSuchForm(String name) {
    Blas blas = BackendsUnderTest.load(name);
    assertThat(blas.pack(FEW, ROWS, random(20, 30, 7))).isNull();
    assertThat(blas.packsUpperTriangular(FEW, ROWS, randomUpper(30))).isFalse();
    assertThat(blas.packUpperTriangular(FEW, ROWS, randomUpper(30))).isNull();
  }

  @Test
  void float64AndEmptyWeightsHaveNoSuchForm() {
    Blas blas = blas(false);
    assertThat(blas.pack(FEW, ROWS, Matrix.allocate(Precision.FLOAT64, 20, 30))).isNull();
    assertThat(blas.pack(FEW, ROWS, Matrix.allocate(Precision.FLOAT32, 0, 30))).isNull();
    assertThat(blas.pack(FEW, ROWS, Matrix.allocate(Precision.FLOAT32, 30, 0))).isNull();
    Matrix wide = randomUpper(30).copy(Precision.FLOAT64);
    assertThat(blas.packsUpperTriangular(FEW, ROWS, wide)).isFalse();
    Matrix empty = Matrix.allocate(Precision.FLOAT32, 0, 0);
    assertThat(blas.packsUpperTriangular(FEW, ROWS, empty)).isFalse();
    assertThat(blas.packUpperTriangular(FEW, ROWS, empty)).isNull();
  }
}
