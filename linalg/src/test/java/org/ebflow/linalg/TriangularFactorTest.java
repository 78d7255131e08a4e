package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TriangularFactorTest {
  private static final double UNIT = 0x1p-53;

  /** Every backend with every shape {m, n}; 150 and more are several panels of LAPACK's. */
  static Stream<Arguments> backendsAndShapes() {
    return BackendsUnderTest.names()
        .flatMap(
            name ->
                Stream.of(
                        new int[][] {
                          {1, 1},
                          {1, 4},
                          {4, 1},
                          {2, 2},
                          {5, 6},
                          {43, 44},
                          {60, 31},
                          {150, 151},
                          {300, 290}
                        })
                    .map(shape -> Arguments.of(name, shape[0], shape[1])));
  }

  private static Matrix random(int m, int n) {
    Matrix a = Matrix.allocate(Precision.FLOAT64, m, n);
    Product.fillRandomly(a, new SplittableRandom(31));
    return a;
  }

  private static Matrix factor(String backend, Matrix a) {
    Matrix r = Matrix.allocate(Precision.FLOAT64, a.rows(), a.columns());
    r.fill(Double.NaN);
    BackendsUnderTest.load(backend).triangularFactor(a, r);
    return r;
  }

  private static void assertZeroBelowTheDiagonal(Matrix r) {
    for (int i = 0; i < r.rows(); i++) {
      for (int j = 0; j < Math.min(i, r.columns()); j++) {
        assertThat(r.get(i, j)).as("(%d,%d)", i, j).isZero();
      }
    }
  }

  /** RᵀR = aᵀa: what a rotation leaves alone. */
  private static void assertSameNorms(Matrix a, Matrix r) {
    double tolerance = 10 * (a.rows() + 1) * UNIT;
    for (int i = 0; i < a.columns(); i++) {
      for (int j = 0; j <= i; j++) {
        double size = Math.sqrt(dot(a, i, i) * dot(a, j, j));
        assertThat(dot(r, i, j)).isCloseTo(dot(a, i, j), within(tolerance * size));
      }
    }
  }

  private static double dot(Matrix a, int i, int j) {
    double sum = 0;
    for (int k = 0; k < a.rows(); k++) {
      sum += a.get(k, i) * a.get(k, j);
    }
    return sum;
  }

  @ParameterizedTest
  @MethodSource("backendsAndShapes")
  void isTriangularAndKeepsNorms(String backend, int m, int n) {
    Matrix a = random(m, n);
    Matrix before = a.copy(Precision.FLOAT64);
    Matrix r = factor(backend, a);
    assertZeroBelowTheDiagonal(r);
    assertSameNorms(a, r);
    assertThat(a.doubles()).isEqualTo(before.doubles());
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void matchesEjmlButForTheSignsOfRows(String backend) {
    Matrix a = random(43, 44);
    QRDecomposition<DMatrixRMaj> qr = DecompositionFactory_DDRM.qr();
    assertThat(qr.decompose(new DMatrixRMaj(a.toRows()))).isTrue();
    DMatrixRMaj expected = qr.getR(null, false);
    Matrix r = factor(backend, a);
    for (int i = 0; i < 43; i++) {
      double sign = Math.signum(r.get(i, i)) * Math.signum(expected.get(i, i));
      for (int j = i; j < 44; j++) {
        assertThat(sign * r.get(i, j)).isCloseTo(expected.get(i, j), within(1e-11));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void readsAndWritesViewsInAnyPrecision(String backend, Precision precision) {
    Matrix wide = Matrix.allocate(precision, 12, 13);
    Product.fillRandomly(wide, new SplittableRandom(32));
    Matrix a = wide.rows(2, 9).columns(3, 11);
    Matrix into = Matrix.allocate(precision, 10, 12);
    into.fill(77);
    BackendsUnderTest.load(backend).triangularFactor(a, into.rows(1, 8).columns(2, 10));
    Matrix expected = factor(backend, a.copy(Precision.FLOAT64));
    for (int i = 0; i < 10; i++) {
      for (int j = 0; j < 12; j++) {
        boolean inside = i >= 1 && i < 8 && j >= 2 && j < 10;
        double value = inside ? expected.get(i - 1, j - 2) : 77;
        assertThat(into.get(i, j))
            .isEqualTo(precision == Precision.FLOAT32 ? (float) value : value);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void dependentColumnsAndZerosAreNoTrouble(String backend) {
    Matrix a = random(20, 20);
    for (int i = 0; i < 20; i++) {
      a.set(i, 7, a.get(i, 3));
      a.set(i, 12, 0);
    }
    Matrix r = factor(backend, a);
    assertZeroBelowTheDiagonal(r);
    assertSameNorms(a, r);
    assertThat(r.get(7, 7)).isCloseTo(0, within(1e-14));
    Matrix zero = Matrix.allocate(Precision.FLOAT64, 20, 20);
    assertThat(factor(backend, zero).doubles()).containsOnly(0);
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void hugeAndTinyNumbersNeitherOverflowNorVanish(String backend) {
    for (double scale : new double[] {1e200, 1e-200}) {
      Matrix a = Matrix.allocate(Precision.FLOAT64, 2, 2);
      a.set(0, 0, 3 * scale);
      a.set(1, 0, 4 * scale);
      a.set(0, 1, 4 * scale);
      a.set(1, 1, -3 * scale);
      Matrix r = factor(backend, a);
      assertThat(Math.abs(r.get(0, 0)) / scale).isCloseTo(5, within(1e-14));
      assertThat(r.get(0, 1) / scale).isCloseTo(0, within(1e-14));
      assertThat(Math.abs(r.get(1, 1)) / scale).isCloseTo(5, within(1e-14));
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void nanGivesNan(String backend) {
    Matrix a = random(6, 6);
    a.set(2, 3, Double.NaN);
    assertThat(factor(backend, a).get(3, 3)).isNaN();
  }

  @ParameterizedTest
  @ValueSource(strings = {"onednn", "java"})
  void nothingIsLeftAloneAndOtherShapesAreRefused(String backend) {
    Blas blas = BackendsUnderTest.load(backend);
    blas.triangularFactor(
        Matrix.allocate(Precision.FLOAT64, 0, 3), Matrix.allocate(Precision.FLOAT64, 0, 3));
    Matrix r = Matrix.allocate(Precision.FLOAT64, 3, 4);
    assertThatThrownBy(() -> blas.triangularFactor(random(4, 3), r))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected the shape of");
  }

  @Test
  void bitsAreTheSameEveryTime() {
    Matrix a = random(300, 301);
    assertThat(factor("openblas", a).doubles()).isEqualTo(factor("openblas", a).doubles());
  }
}
