package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The memory of {@link Lu}: used again, by several threads, without allocation, and never beyond
 * what was asked for.
 */
class LuReuseTest {
  private static Matrix random(int n, long seed) {
    Matrix a = Matrix.allocate(Precision.FLOAT64, n, n);
    Product.fillRandomly(a, new SplittableRandom(seed));
    return a;
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void concurrentSolutionsDoNotDisturbEachOther(String name, Precision precision) {
    Lu lu = BackendsUnderTest.load(name).factorize(random(60, 30), precision);
    for (Precision ofRows : Precision.values()) {
      Matrix[] right = new Matrix[8];
      Matrix[] expected = new Matrix[8];
      for (int i = 0; i < right.length; i++) {
        right[i] = random(60, 31 + i).copy(ofRows);
        expected[i] = right[i].copy(ofRows);
        lu.solveRows(expected[i]);
      }
      try (Team team = new Team(8)) {
        team.run(worker -> lu.solveRows(right[worker.rank()]));
      }
      for (int i = 0; i < right.length; i++) {
        assertThat(right[i].array()).isEqualTo(expected[i].array());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void factorisingAgainGivesTheBitsOfAFreshFactorisation(String name, Precision precision) {
    Blas blas = BackendsUnderTest.load(name);
    for (int n : new int[] {1, 5, 16, 43, 101}) {
      Lu used = blas.factorize(random(n, 33), precision);
      used.inverse();
      used.solveRows(random(n, 34));
      for (Precision of : Precision.values()) {
        Matrix a = random(n, 35).copy(of);
        Lu fresh = blas.factorize(a, precision);
        used.factorize(a);
        assertThat(used.logAbsDeterminant()).isEqualTo(fresh.logAbsDeterminant());
        assertThat(used.condition()).isEqualTo(fresh.condition());
        assertThat(used.inverse().array()).isEqualTo(fresh.inverse().array());
        Matrix solutions = random(n, 36);
        Matrix expected = solutions.copy(Precision.FLOAT64);
        used.solveRows(solutions);
        fresh.solveRows(expected);
        assertThat(solutions.array()).isEqualTo(expected.array());
      }
    }
  }

  @Test
  void whatWasClosedIsRefusedAndMayBeClosedAgain() {
    Lu lu = Blas.named("openblas").factorize(random(20, 37), Precision.FLOAT64);
    lu.close();
    lu.close();
    assertThatThrownBy(lu::logAbsDeterminant).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> lu.solveRows(random(20, 38)))
        .isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#names")
  void aMatrixInsideALargerOneIsFactorised(String name) {
    Matrix whole = random(9, 37);
    Matrix part = whole.rows(1, 7).columns(2, 8);
    Blas blas = BackendsUnderTest.load(name);
    assertThat(blas.factorize(part, Precision.FLOAT64).logAbsDeterminant())
        .isEqualTo(
            blas.factorize(part.copy(Precision.FLOAT64), Precision.FLOAT64).logAbsDeterminant());
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void theInverseIsAddedToAViewInItsPrecisionAndNowhereElse(String name, Precision precision) {
    int n = 75; // more than two tiles and a rest
    Lu lu = BackendsUnderTest.load(name).factorize(random(n, 38), precision);
    Matrix inverse = lu.inverse();
    for (Precision ofSum : Precision.values()) {
      Matrix whole = Matrix.allocate(ofSum, n + 2, n + 3);
      whole.fill(5);
      lu.addInverseTransposed(0.5, whole.rows(1, n + 1).columns(1, n + 1));
      for (int r = -1; r < n + 1; r++) {
        for (int c = -1; c < n + 2; c++) {
          boolean inside = r >= 0 && r < n && c >= 0 && c < n;
          double expected = inside ? 5 + 0.5 * inverse.get(c, r) : 5;
          boolean rounded = ofSum == Precision.FLOAT32 || precision == Precision.FLOAT32;
          double tolerance = inside && rounded ? 0x1p-22 * (10 + Math.abs(expected)) : 0;
          assertThat(whole.get(r + 1, c + 1)).isCloseTo(expected, within(tolerance));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.linalg.BackendsUnderTest#withPrecisions")
  void onceWarmNothingIsAllocated(String name, Precision precision) {
    Matrix a = random(20, 39).copy(Precision.FLOAT32);
    Matrix sum = Matrix.allocate(Precision.FLOAT32, 20, 20);
    Matrix rows = Matrix.allocate(Precision.FLOAT32, 7, 20);
    rows.fill(1);
    Lu lu = BackendsUnderTest.load(name).factorize(a, precision);
    double[] determinant = new double[1];
    Runnable step =
        () -> {
          lu.factorize(a);
          lu.solveRows(rows);
          rows.fill(1);
          lu.addInverseTransposed(1e-6, sum);
          determinant[0] = lu.logAbsDeterminant();
        };
    assertThat(Allocation.perCall(step, 100)).isZero();
  }
}
