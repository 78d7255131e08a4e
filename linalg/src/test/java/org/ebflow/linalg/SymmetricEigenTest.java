package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SymmetricEigenTest {
  private static final double UNIT = 0x1p-53;

  static Stream<Arguments> backendsAndSizes() {
    return BackendsUnderTest.names()
        .flatMap(name -> Stream.of(1, 2, 3, 7, 43, 120).map(n -> Arguments.of(name, n)));
  }

  private static Matrix random(int n) {
    Matrix a = Matrix.allocate(Precision.FLOAT64, n, n);
    Product.fillRandomly(a, new SplittableRandom(n));
    for (int r = 0; r < n; r++) {
      for (int c = 0; c < r; c++) {
        a.set(r, c, a.get(c, r));
      }
    }
    return a;
  }

  @ParameterizedTest
  @MethodSource("backendsAndSizes")
  void vectorsAreOrthonormalAndReproduceTheMatrix(String backend, int n) {
    Matrix a = random(n);
    SymmetricEigen eigen = BackendsUnderTest.load(backend).symmetricEigen(a);
    double norm = 0;
    for (int i = 0; i < n; i++) {
      norm = Math.max(norm, Math.abs(eigen.values().get(0, i)));
    }
    for (int r = 0; r < n; r++) {
      for (int c = 0; c < n; c++) {
        double dot = 0;
        double sum = 0;
        for (int k = 0; k < n; k++) {
          dot += eigen.vectors().get(r, k) * eigen.vectors().get(c, k);
          sum += eigen.values().get(0, k) * eigen.vectors().get(k, r) * eigen.vectors().get(k, c);
        }
        assertThat(dot).isCloseTo(r == c ? 1 : 0, within(20 * (n + 1) * UNIT));
        assertThat(sum).isCloseTo(a.get(r, c), within(20 * (n + 1) * UNIT * norm));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("backendsAndSizes")
  void valuesAreThoseOfEjmlInAscendingOrder(String backend, int n) {
    Matrix a = random(n);
    EigenDecomposition_F64<DMatrixRMaj> ejml = DecompositionFactory_DDRM.eig(n, false, true);
    assertThat(ejml.decompose(new DMatrixRMaj(n, n, true, a.doubles().clone()))).isTrue();
    double[] expected =
        IntStream.range(0, n).mapToDouble(i -> ejml.getEigenvalue(i).getReal()).sorted().toArray();
    double norm = Math.max(Math.abs(expected[0]), Math.abs(expected[n - 1]));

    SymmetricEigen eigen = BackendsUnderTest.load(backend).symmetricEigen(a);

    for (int i = 0; i < n; i++) {
      assertThat(eigen.values().get(0, i))
          .isCloseTo(expected[i], within(20 * (n + 1) * UNIT * norm));
    }
  }

  static Stream<String> backends() {
    return BackendsUnderTest.names();
  }

  @ParameterizedTest
  @MethodSource("backends")
  void aDiagonalMatrixIsSortedAndARankOneMatrixHasOneValue(String backend) {
    Matrix diagonal = Matrix.allocate(Precision.FLOAT64, 3, 3);
    diagonal.set(0, 0, 5);
    diagonal.set(1, 1, -2);
    Blas blas = BackendsUnderTest.load(backend);
    assertThat(blas.symmetricEigen(diagonal).values().doubles()).containsExactly(-2, 0, 5);

    Matrix ones = Matrix.allocate(Precision.FLOAT32, 4, 4);
    ones.fill(1);
    assertThat(blas.symmetricEigen(ones).values().doubles())
        .usingComparatorWithPrecision(1e-14)
        .containsExactly(0, 0, 0, 4);
  }

  @Test
  void refusesWhatIsNoSymmetricMatrix() {
    Blas blas = Blas.named("java");
    Matrix wide = Matrix.allocate(Precision.FLOAT64, 2, 3);
    assertThatThrownBy(() -> blas.symmetricEigen(wide))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a square matrix");
    assertThat(blas.symmetricEigen(Matrix.allocate(Precision.FLOAT64, 0, 0)).values().columns())
        .isZero();
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.NEGATIVE_INFINITY})
  void refusesElementsThatAreNotFinite(double value) {
    Matrix a = random(3);
    a.set(1, 2, value);
    assertThatThrownBy(() -> Blas.named("java").symmetricEigen(a))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("element (1,2) is " + value);
  }
}
