package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class MatrixTest {
  @ParameterizedTest
  @EnumSource
  void aRowIsCopiedIntoARowOfItsWidthOnly(Precision precision) {
    Matrix source = Matrix.ofRows(Precision.FLOAT64, new double[][] {{1, 2}, {3, 4}});
    Matrix whole = Matrix.allocate(precision, 3, 2);
    Matrix target = whole.rows(1, 2);
    target.copyRow(source, 1, 0);
    assertThat(whole.copy(Precision.FLOAT64).doubles()).containsExactly(0, 0, 3, 4, 0, 0);
    assertThatThrownBy(() -> target.copyRow(source, 0, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> target.copyRow(source, 2, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> whole.columns(0, 1).copyRow(source, 0, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("Matrix.copyRow: ");
  }
}
