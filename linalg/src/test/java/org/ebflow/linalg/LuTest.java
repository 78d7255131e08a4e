package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class LuTest {
  private static final int[] SIZES = {1, 2, 3, 5, 16, 43, 101};

  private static Matrix random(int n, long seed) {
    Matrix a = Matrix.allocate(Precision.FLOAT64, n, n);
    Product.fillRandomly(a, new SplittableRandom(seed));
    return a;
  }

  private static Matrix hilbert(int n) {
    Matrix a = Matrix.allocate(Precision.FLOAT64, n, n);
    for (int r = 0; r < n; r++) {
      for (int c = 0; c < n; c++) {
        a.set(r, c, 1.0 / (r + c + 1));
      }
    }
    return a;
  }

  private static DMatrixRMaj ejml(Matrix a) {
    return new DMatrixRMaj(a.toRows());
  }

  private static DMatrixRMaj ejmlInverse(Matrix a) {
    DMatrixRMaj inverse = new DMatrixRMaj(a.rows(), a.columns());
    assertThat(CommonOps_DDRM.invert(ejml(a), inverse)).isTrue();
    return inverse;
  }

  private static double ejmlCondition(Matrix a) {
    return NormOps_DDRM.inducedP1(ejml(a)) * NormOps_DDRM.inducedP1(ejmlInverse(a));
  }

  /** First-order bound of LU with partial pivoting, with n for its growth. */
  private static double tolerance(Precision precision, Matrix a) {
    double unit = precision == Precision.FLOAT32 ? 0x1p-24 : 0x1p-53;
    return 8 * a.rows() * unit * ejmlCondition(a);
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void logDeterminantMatchesEjml(String name, Precision precision) {
    for (int n : SIZES) {
      Matrix a = random(n, 21);
      double expected = Math.log(Math.abs(CommonOps_DDRM.det(ejml(a))));
      Lu lu = BackendsUnderTest.load(name).factorize(a, precision);
      assertThat(lu.logAbsDeterminant()).isCloseTo(expected, within(tolerance(precision, a)));
      assertThat(lu.singular()).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void logDeterminantNeitherOverflowsNorUnderflows(String name, Precision precision) {
    Matrix a = Matrix.allocate(Precision.FLOAT64, 60, 60);
    for (int i = 0; i < 60; i++) {
      a.set(i, 59 - i, i < 40 ? 1e-30 : -1e20);
    }
    assertThat(BackendsUnderTest.load(name).factorize(a, precision).logAbsDeterminant())
        .isCloseTo(Math.log(10) * (40 * -30 + 20 * 20), within(1e-4));
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void solveRowsSolvesForEachRow(String name, Precision precision) {
    for (int n : SIZES) {
      for (Precision ofRows : Precision.values()) {
        Matrix a = random(n, 22);
        Matrix expected = Matrix.allocate(Precision.FLOAT64, 4, n);
        Product.fillRandomly(expected, new SplittableRandom(23));
        Matrix whole = Matrix.allocate(ofRows, 6, n + 3);
        Matrix rows = whole.rows(1, 5).columns(2, n + 2);
        for (int r = 0; r < 4; r++) {
          for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int j = 0; j < n; j++) {
              sum += a.get(i, j) * expected.get(r, j);
            }
            rows.set(r, i, sum);
          }
        }
        BackendsUnderTest.load(name).factorize(a, precision).solveRows(rows);
        double tolerance = tolerance(precision, a) + tolerance(ofRows, a);
        for (int r = 0; r < 4; r++) {
          for (int i = 0; i < n; i++) {
            assertThat(rows.get(r, i)).isCloseTo(expected.get(r, i), within(tolerance));
          }
        }
        assertThat(whole.rows(0, 1).toRows()[0]).containsOnly(0);
        assertThat(whole.rows(5, 6).toRows()[0]).containsOnly(0);
        assertThat(whole.columns(n + 2, n + 3).toRows()).isDeepEqualTo(new double[6][1]);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void inverseMatchesEjml(String name, Precision precision) {
    for (int n : SIZES) {
      Matrix a = random(n, 24);
      DMatrixRMaj expected = ejmlInverse(a);
      Matrix inverse = BackendsUnderTest.load(name).factorize(a, precision).inverse();
      double tolerance = tolerance(precision, a) * CommonOps_DDRM.elementMaxAbs(expected);
      for (int r = 0; r < n; r++) {
        for (int c = 0; c < n; c++) {
          assertThat(inverse.get(r, c)).isCloseTo(expected.get(r, c), within(tolerance));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void addInverseTransposedIsTheGradientOfTheLogDeterminant(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    Matrix a = random(7, 25);
    Matrix sum = Matrix.allocate(Precision.FLOAT64, 7, 7);
    sum.fill(1);
    blas.factorize(a, precision).addInverseTransposed(2, sum);
    double step = 1e-6;
    for (int r = 0; r < 7; r++) {
      for (int c = 0; c < 7; c++) {
        double kept = a.get(r, c);
        a.set(r, c, kept + step);
        double above = blas.factorize(a, Precision.FLOAT64).logAbsDeterminant();
        a.set(r, c, kept - step);
        double below = blas.factorize(a, Precision.FLOAT64).logAbsDeterminant();
        a.set(r, c, kept);
        double expected = 1 + 2 * (above - below) / (2 * step);
        assertThat(sum.get(r, c))
            .isCloseTo(expected, within(precision == Precision.FLOAT32 ? 1e-3 : 1e-6));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void singularMatrixIsSaidToBeSo(String name, Precision precision) {
    Matrix a = random(6, 26);
    a.rows(2, 3).fill(0);
    Lu lu = BackendsUnderTest.load(name).factorize(a, precision);
    assertThat(lu.singular()).isTrue();
    assertThat(lu.logAbsDeterminant()).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(lu.condition()).isEqualTo(Double.POSITIVE_INFINITY);
    assertThatThrownBy(() -> lu.solveRows(Matrix.allocate(precision, 1, 6)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(lu::inverse)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("[6,6]");
    assertThatThrownBy(() -> lu.factorize(random(5, 26)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected [6,6]");
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void conditionIsALowerBoundWithinAFactorOfThree(String name) {
    Blas blas = BackendsUnderTest.load(name);
    for (int n : SIZES) {
      double expected = ejmlCondition(random(n, 27));
      double condition = blas.factorize(random(n, 27), Precision.FLOAT64).condition();
      assertThat(condition).isBetween(expected / 3, expected * (1 + 1e-6));
    }
    for (int n : new int[] {3, 6, 9}) {
      double expected = ejmlCondition(hilbert(n));
      double condition = blas.factorize(hilbert(n), Precision.FLOAT64).condition();
      assertThat(condition).isBetween(expected / 3, expected * 1.01);
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void logDeterminantOfAHilbertMatrixIsAccurateToItsCondition(String name) {
    // det H₈ = 2.73705e-33, exactly 1 / 365356847125734485878112256000000
    double expected = -Math.log(3.65356847125734485878112256e32);
    Lu lu = BackendsUnderTest.load(name).factorize(hilbert(8), Precision.FLOAT64);
    assertThat(lu.logAbsDeterminant()).isCloseTo(expected, within(1e-6));
    assertThat(lu.condition()).isGreaterThan(1e10);
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void factorisedMatrixIsNotModified(String name) {
    Matrix a = random(9, 28);
    double[][] before = a.toRows();
    Lu lu = BackendsUnderTest.load(name).factorize(a, Precision.FLOAT64);
    double determinant = lu.logAbsDeterminant();
    lu.inverse();
    lu.condition();
    assertThat(a.toRows()).isDeepEqualTo(before);
    assertThat(lu.logAbsDeterminant()).isEqualTo(determinant);
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void nanComesOutAsNan(String name) {
    Matrix a = random(4, 29);
    a.set(1, 2, Double.NaN);
    Lu lu = BackendsUnderTest.load(name).factorize(a, Precision.FLOAT64);
    assertThat(lu.logAbsDeterminant()).isNaN();
    assertThat(lu.condition()).isNaN();
  }

  @Test
  void emptyMatrixHasDeterminantOne() {
    Lu lu = Blas.auto().factorize(Matrix.allocate(Precision.FLOAT64, 0, 0), Precision.FLOAT64);
    assertThat(lu.logAbsDeterminant()).isZero();
    assertThat(lu.condition()).isEqualTo(1);
    assertThat(lu.inverse().size()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {784, 1500})
  void factorisesOnAThreadWithASmallStack(int n) throws InterruptedException {
    Matrix a = random(n, 32);
    AtomicReference<Double> determinant = new AtomicReference<>(Double.NaN);
    Thread thread =
        new Thread(
            null,
            () ->
                determinant.set(
                    Blas.named("openblas").factorize(a, Precision.FLOAT32).logAbsDeterminant()),
            "small-stack",
            512 << 10);
    thread.start();
    thread.join();
    assertThat(determinant.get())
        .isCloseTo(
            Blas.named("openblas").factorize(a, Precision.FLOAT64).logAbsDeterminant(),
            within(0.1));
  }
}
