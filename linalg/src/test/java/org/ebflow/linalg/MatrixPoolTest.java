package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class MatrixPoolTest {
  private static final int[][] SHAPES = {
    {0, 5}, {2, 3}, {100, 784}, {200, 784}, {33, 1001}, {1, 700_001}, {300, 784}, {300, 3072}
  };

  @ParameterizedTest
  @EnumSource(Precision.class)
  void matricesAreZeroContiguousAndApart(Precision precision) {
    MatrixPool pool = MatrixPool.cacheAligned(precision);
    List<Matrix> matrices = new ArrayList<>();
    for (int[] shape : SHAPES) {
      Matrix matrix = pool.matrix(shape[0], shape[1]);
      assertThat(matrix.rows()).isEqualTo(shape[0]);
      assertThat(matrix.columns()).isEqualTo(shape[1]);
      assertThat(matrix.precision()).isEqualTo(precision);
      assertThat(matrix.contiguous()).isTrue();
      assertThat(holdsOnly(0, matrix)).isTrue();
      assertThat(matrices).noneMatch(matrix::overlaps);
      matrices.add(matrix);
      matrix.fill(matrices.size());
    }
    for (int i = 0; i < matrices.size(); i++) {
      assertThat(holdsOnly(i + 1, matrices.get(i))).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void largeMatricesBeginOnALineWhereTheirArrayBeginsSixteenBytesBehindOne(Precision precision) {
    MatrixPool pool = MatrixPool.cacheAligned(precision);
    for (int[] shape : SHAPES) {
      Matrix matrix = pool.matrix(shape[0], shape[1]);
      if (matrix.size() * precision.bytes() >= 1 << 17) {
        assertThat((16 + matrix.offset() * precision.bytes()) % 64).isZero();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void whatFitsNoArrayIsRefused(Precision precision) {
    MatrixPool pool = MatrixPool.cacheAligned(precision);
    assertThatThrownBy(() -> pool.matrix(1 << 16, 1 << 16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("does not fit one Java array");
    assertThatThrownBy(() -> pool.matrix(1, Integer.MAX_VALUE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("does not fit one Java array");
  }

  private static boolean holdsOnly(double value, Matrix matrix) {
    return Arrays.stream(matrix.toRows()).flatMapToDouble(Arrays::stream).allMatch(x -> x == value);
  }
}
