package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TilePlanTest {
  private static final int[][] SHAPES = {
    {1, 1},
    {1, 784},
    {784, 1},
    {3, 5},
    {16, 8},
    {50, 784},
    {100, 784},
    {300, 43},
    {784, 784},
    {3072, 3072},
    {1000, 17}
  };

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 64})
  void tilesCoverEveryElementOnce(int workers) {
    for (int[] shape : SHAPES) {
      int[][] written = new int[shape[0]][shape[1]];
      for (int rank = 0; rank < workers; rank++) {
        int[] tile = tile(shape[0], shape[1], workers, rank);
        for (int r = tile[0]; r < tile[1]; r++) {
          for (int c = tile[2]; c < tile[3]; c++) {
            written[r][c]++;
          }
        }
      }
      assertThat(
              Arrays.stream(written)
                  .flatMapToInt(Arrays::stream)
                  .filter(count -> count != 1)
                  .count())
          .isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 64})
  void cutsLieOnMultiplesOfTheUnits(int workers) {
    for (int[] shape : SHAPES) {
      for (int rank = 0; rank < workers; rank++) {
        int[] tile = tile(shape[0], shape[1], workers, rank);
        assertThat(tile[0] % TilePlan.ROW_UNIT == 0 || tile[0] == shape[0]).isTrue();
        assertThat(tile[2] % TilePlan.COLUMN_UNIT == 0 || tile[2] == shape[1]).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 8, 64})
  void noWorkerHasMuchMoreThanItsShare(int workers) {
    long largest = 0;
    for (int rank = 0; rank < workers; rank++) {
      int[] tile = tile(3072, 3072, workers, rank);
      largest = Math.max(largest, (long) (tile[1] - tile[0]) * (tile[3] - tile[2]));
    }
    assertThat(largest).isLessThanOrEqualTo((long) (1.05 * 3072 * 3072 / workers));
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 100, 5e4, 5e5, 1e9})
  void callsAreNoLargerThanAsked(double most) {
    for (int[] shape : SHAPES) {
      int height = TilePlan.rowsPerCall(shape[0], shape[1], most);
      int width = TilePlan.columnsPerCall(shape[1], most / height);
      assertThat(height).isBetween(1, shape[0]);
      assertThat(width).isBetween(1, shape[1]);
      assertThat(
              (double) height * width <= most
                  || (height <= TilePlan.ROW_UNIT && width <= TilePlan.COLUMN_UNIT))
          .as("%d x %d of %s", height, width, Arrays.toString(shape))
          .isTrue();
    }
  }

  @Test
  void callsReadAsLittleAsPossible() {
    assertThat(TilePlan.rowsPerCall(200, 1536, 48_800)).isEqualTo(200); // 7 calls side by side
    assertThat(TilePlan.rowsPerCall(3072, 1536, 5e5)).isEqualTo(616); // 5 by 2, not 1 by 10
    assertThat(TilePlan.columnsPerCall(1536, 5e5 / 616)).isEqualTo(768);
    assertThat(TilePlan.rowsPerCall(784, 392, 5e5)).isEqualTo(784); // one call
  }

  private static int[] tile(int m, int n, int workers, int rank) {
    int down = TilePlan.down(m, n, workers);
    int across = TilePlan.across(down, workers);
    int row = rank / across;
    int column = rank % across;
    return row >= down
        ? new int[4]
        : new int[] {
          TilePlan.bound(m, TilePlan.ROW_UNIT, down, row),
          TilePlan.bound(m, TilePlan.ROW_UNIT, down, row + 1),
          TilePlan.bound(n, TilePlan.COLUMN_UNIT, across, column),
          TilePlan.bound(n, TilePlan.COLUMN_UNIT, across, column + 1)
        };
  }
}
