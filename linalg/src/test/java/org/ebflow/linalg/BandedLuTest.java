package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.NormOps_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Banded LU against EJML and against the dense LU of the same matrix. */
class BandedLuTest {
  /** n, diagonals below, diagonals above: none, one side only, as wide as the matrix, wider. */
  private static final int[][] SHAPES = {
    {1, 0, 0},
    {1, 2, 1},
    {2, 0, 0},
    {2, 1, 0},
    {2, 1, 1},
    {3, 0, 2},
    {5, 0, 0},
    {5, 4, 4},
    {5, 7, 6},
    {7, 1, 1},
    {8, 2, 0},
    {8, 0, 3},
    {16, 3, 1},
    {17, 1, 4},
    {43, 5, 5},
    {101, 9, 12},
    {140, 40, 37}
  };

  /** Random in the band, with small diagonal elements, so that rows are exchanged. */
  private static Matrix random(int n, int lower, int upper, long seed) {
    Matrix whole = Matrix.allocate(Precision.FLOAT64, n, n);
    Product.fillRandomly(whole, new SplittableRandom(seed));
    for (int r = 0; r < n; r++) {
      for (int c = 0; c < n; c++) {
        if (c - r < -lower || c - r > upper) {
          whole.set(r, c, 0);
        }
      }
      if (lower > 0 && upper > 0) {
        whole.set(r, r, whole.get(r, r) / 8);
      }
    }
    return whole;
  }

  /** The rows of a matrix's band; NaN where the matrix has no column. */
  private static BandedLu.Row rows(Matrix a, int lower) {
    return (r, band) -> {
      for (int i = 0; i < band.length; i++) {
        int c = r - lower + i;
        band[i] = c < 0 || c >= a.columns() ? Double.NaN : a.get(r, c);
      }
    };
  }

  private static BandedLu factorize(String backend, Matrix a, int lower, int upper) {
    return BackendsUnderTest.load(backend).factorizeBanded(a.rows(), lower, upper, rows(a, lower));
  }

  private static DMatrixRMaj ejmlInverse(Matrix a) {
    DMatrixRMaj inverse = new DMatrixRMaj(a.rows(), a.columns());
    assertThat(CommonOps_DDRM.invert(new DMatrixRMaj(a.toRows()), inverse)).isTrue();
    return inverse;
  }

  private static double condition(Matrix a) {
    return NormOps_DDRM.inducedP1(new DMatrixRMaj(a.toRows()))
        * NormOps_DDRM.inducedP1(ejmlInverse(a));
  }

  /** First-order bound of LU with partial pivoting, with n for its growth. */
  private static double tolerance(Matrix a) {
    return 8 * a.rows() * 0x1p-53 * condition(a);
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void logDeterminantMatchesEjmlAndDenseLu(String backend) {
    for (int[] shape : SHAPES) {
      Matrix a = random(shape[0], shape[1], shape[2], 31);
      BandedLu lu = factorize(backend, a, shape[1], shape[2]);
      double expected = Math.log(Math.abs(CommonOps_DDRM.det(new DMatrixRMaj(a.toRows()))));
      double dense =
          BackendsUnderTest.load(backend).factorize(a, Precision.FLOAT64).logAbsDeterminant();
      assertThat(lu.logAbsDeterminant()).isCloseTo(expected, within(tolerance(a)));
      assertThat(lu.logAbsDeterminant()).isCloseTo(dense, within(tolerance(a)));
      assertThat(lu.singular()).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void solvesWithTheMatrixAndItsTranspose(String backend) {
    for (int[] shape : SHAPES) {
      for (Precision precision : Precision.values()) {
        int n = shape[0];
        Matrix a = random(n, shape[1], shape[2], 32);
        BandedLu lu = factorize(backend, a, shape[1], shape[2]);
        double unit = precision == Precision.FLOAT32 ? 0x1p-24 : 0x1p-53;
        double tolerance = 8 * n * (0x1p-53 + unit) * condition(a);
        for (boolean transpose : new boolean[] {false, true}) {
          Matrix expected = Matrix.allocate(Precision.FLOAT64, 5, n);
          Product.fillRandomly(expected, new SplittableRandom(33));
          Matrix whole = Matrix.allocate(precision, 7, n + 3);
          Matrix rows = whole.rows(1, 6).columns(2, n + 2);
          for (int r = 0; r < 5; r++) {
            for (int i = 0; i < n; i++) {
              double sum = 0;
              for (int j = 0; j < n; j++) {
                sum += (transpose ? a.get(j, i) : a.get(i, j)) * expected.get(r, j);
              }
              rows.set(r, i, sum);
            }
          }
          if (transpose) {
            lu.solveRowsTransposed(rows);
          } else {
            lu.solveRows(rows);
          }
          for (int r = 0; r < 5; r++) {
            for (int i = 0; i < n; i++) {
              assertThat(rows.get(r, i)).isCloseTo(expected.get(r, i), within(tolerance));
            }
          }
          assertThat(whole.rows(0, 1).toRows()[0]).containsOnly(0);
          assertThat(whole.rows(6, 7).toRows()[0]).containsOnly(0);
          assertThat(whole.columns(n + 2, n + 3).toRows()).isDeepEqualTo(new double[7][1]);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void bandOfTheInverseMatchesEjml(String backend) {
    for (int[] shape : SHAPES) {
      int n = shape[0];
      int lower = shape[1];
      int upper = shape[2];
      Matrix a = random(n, lower, upper, 34);
      DMatrixRMaj inverse = ejmlInverse(a);
      double tolerance = tolerance(a) * CommonOps_DDRM.elementMaxAbs(inverse);
      int[] next = {0};
      BandedLu lu = factorize(backend, a, lower, upper);
      lu.inverseTransposed(
          (r, band) -> {
            assertThat(r).isEqualTo(next[0]++);
            assertThat(band).hasSize(lower + upper + 1);
            for (int i = 0; i < band.length; i++) {
              int c = r - lower + i;
              double expected = c < 0 || c >= n ? 0 : inverse.get(c, r);
              assertThat(band[i])
                  .as("(%d,%d) of %d, %d, %d", r, c, n, lower, upper)
                  .isCloseTo(expected, within(tolerance));
            }
          });
      assertThat(next[0]).isEqualTo(n);
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void factorisingAgainGivesTheBitsOfAFreshFactorisation(String backend) {
    Matrix first = random(30, 4, 3, 35);
    Matrix second = random(30, 4, 3, 36);
    BandedLu reused = factorize(backend, first, 4, 3);
    double[][] inverse = new double[30][];
    reused.inverseTransposed((r, band) -> inverse[r] = band.clone());
    reused.factorize(rows(second, 4));
    BandedLu fresh = factorize(backend, second, 4, 3);
    assertThat(reused.logAbsDeterminant()).isEqualTo(fresh.logAbsDeterminant());
    assertThat(reused.condition()).isEqualTo(fresh.condition());
    fresh.inverseTransposed((r, band) -> inverse[r] = band.clone());
    reused.inverseTransposed((r, band) -> assertThat(band).isEqualTo(inverse[r]));
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void conditionIsALowerBoundWithinAFactorOfThree(String backend) {
    for (int[] shape : SHAPES) {
      Matrix a = random(shape[0], shape[1], shape[2], 37);
      double expected = condition(a);
      assertThat(factorize(backend, a, shape[1], shape[2]).condition())
          .isBetween(expected / 3, expected * (1 + 1e-6));
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void singularMatrixIsSaidToBeSo(String backend) {
    for (int zero : new int[] {0, 4, 8}) {
      Matrix a = random(9, 2, 2, 38);
      a.rows(zero, zero + 1).fill(0);
      BandedLu lu = factorize(backend, a, 2, 2);
      assertThat(lu.singular()).isTrue();
      assertThat(lu.logAbsDeterminant()).isEqualTo(Double.NEGATIVE_INFINITY);
      assertThat(lu.condition()).isEqualTo(Double.POSITIVE_INFINITY);
      assertThatThrownBy(() -> lu.solveRows(Matrix.allocate(Precision.FLOAT64, 1, 9)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("[9,9] is singular");
      assertThatThrownBy(() -> lu.inverseTransposed((r, band) -> {}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("[9,9] is singular");
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void notANumberGivesNotANumber(String backend) {
    Matrix a = random(9, 2, 2, 39);
    a.set(4, 5, Double.NaN);
    BandedLu lu = factorize(backend, a, 2, 2);
    assertThat(lu.logAbsDeterminant()).isNaN();
    assertThat(lu.condition()).isNaN();
  }

  @Test
  void noRowsHaveDeterminantOne() {
    BandedLu lu = Blas.named("java").factorizeBanded(0, 0, 0, (r, band) -> {});
    assertThat(lu.logAbsDeterminant()).isZero();
    assertThat(lu.condition()).isEqualTo(1);
    lu.solveRows(Matrix.allocate(Precision.FLOAT64, 3, 0));
    lu.inverseTransposed((r, band) -> assertThat(r).isNegative());
    lu.close();
  }

  @Test
  void wrongShapesAreRefused() {
    Blas blas = Blas.named("java");
    BandedLu.Row none = (r, band) -> {};
    assertThatThrownBy(() -> blas.factorizeBanded(3, -1, 0, none))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected none negative");
    assertThatThrownBy(() -> blas.factorizeBanded(1 << 20, 1000, 1000, none))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2^31");
    BandedLu lu = blas.factorizeBanded(3, 0, 0, (r, band) -> band[0] = 1);
    assertThatThrownBy(() -> lu.solveRows(Matrix.allocate(Precision.FLOAT64, 1, 4)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected [*,3]");
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void allocatesNothingOnceWarm(String backend) {
    Matrix a = random(60, 6, 5, 40);
    BandedLu lu = factorize(backend, a, 6, 5);
    BandedLu.Row read = rows(a, 6);
    double[] sum = {0};
    BandedLu.Row use = (r, band) -> sum[0] += band[6];
    Matrix right = Matrix.allocate(Precision.FLOAT64, 4, 60);
    Runnable step =
        () -> {
          lu.factorize(read);
          sum[0] += lu.logAbsDeterminant();
          lu.inverseTransposed(use);
          lu.solveRows(right);
        };
    assertThat(Allocation.perCall(step, 50)).isZero();
    assertThat(sum[0]).isNotZero();
  }
}
