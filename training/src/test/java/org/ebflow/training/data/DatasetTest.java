package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;

class DatasetTest {
  /** Row r is (r, r + 0.5, -r). */
  private static Dataset ramp(int rows) {
    return Dataset.of(
        IntStream.range(0, rows)
            .mapToObj(r -> new double[] {r, r + 0.5, -r})
            .toArray(double[][]::new));
  }

  @Test
  void gathersRowsIntoBothPrecisions() {
    for (Precision precision : Precision.values()) {
      Matrix wide = Matrix.allocate(precision, 4, 5);
      wide.fill(9);
      ramp(10).copyRows(new int[] {7, 3, 3, 9}, 1, 4, wide.columns(1, 4), 1);
      assertThat(wide.toRows())
          .isDeepEqualTo(
              new double[][] {
                {9, 9, 9, 9, 9}, {9, 3, 3.5, -3, 9}, {9, 3, 3.5, -3, 9}, {9, 9, 9.5, -9, 9}
              });
    }
  }

  @Test
  void keepsPixelsAsUnsignedBytes() {
    byte[] pixels = {0, 1, (byte) 255, (byte) 128};
    Dataset images = Dataset.ofPixels("two", pixels, 2, new Shape(1, 1, 2), 256);
    assertThat(images.row(1)).containsExactly(255, 128);
    Matrix batch = Matrix.allocate(Precision.FLOAT32, 2, 2);
    images.copyRows(0, 2, batch, 0);
    assertThat(batch.floats()).containsExactly(0, 1, 255, 128);
    assertThat(images.levels()).isEqualTo(256);
    assertThatThrownBy(() -> Dataset.ofPixels("two", pixels, 2, null, 255))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Dataset.ofPixels: found a pixel of 255, expected less than 255");
  }

  @Test
  void viewsOfViewsListTheRightRows() {
    Dataset odd =
        ramp(20).select(new int[] {1, 3, 5, 7, 9, 11}).select(1, 5).select(new int[] {3, 0});
    assertThat(odd.size()).isEqualTo(2);
    assertThat(odd.row(0)[0]).isEqualTo(9);
    assertThat(odd.row(1)[0]).isEqualTo(3);
    assertThat(ramp(20).select(5, 15).select(2, 4).row(1)[0]).isEqualTo(8);
  }

  @Test
  void rowsOfViewsKeepTheNumberTheyHadWhereTheyWereRead() {
    Dataset data = Dataset.of(new double[][] {{0}, {1}, {2}, {3}, {4}, {5}});
    assertThat(data.number(0)).isEqualTo(1);
    Dataset view = data.select(1, 6).select(new int[] {4, 0, 2});
    assertThat(new long[] {view.number(0), view.number(1), view.number(2)})
        .containsExactly(6, 2, 4);
    assertThat(view.named("other").select(1, 3).number(1)).isEqualTo(4);
    assertThatThrownBy(() -> view.number(3)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void rowsBeyondOneBlockAreFound() {
    int dimension = 1 << 18; // four rows a block
    double[][] rows = new double[9][dimension];
    for (int r = 0; r < rows.length; r++) {
      rows[r][dimension - 1] = r;
    }
    Dataset data = Dataset.of(rows);
    for (int r = 0; r < rows.length; r++) {
      assertThat(data.row(r)[dimension - 1]).isEqualTo(r);
    }
  }

  @Test
  void splitsAreDisjointAndCoverAllRows() {
    Splits splits = ramp(103).split(.8, .1, .1, 5);
    assertThat(splits.train().size()).isEqualTo(82);
    assertThat(splits.validation().size() + splits.test().size()).isEqualTo(21);
    double[] all =
        Stream.of(splits.train(), splits.validation(), splits.test())
            .flatMap(part -> IntStream.range(0, part.size()).mapToObj(part::row))
            .mapToDouble(row -> row[0])
            .sorted()
            .toArray();
    assertThat(all).containsExactly(IntStream.range(0, 103).asDoubleStream().toArray());
  }

  @Test
  void splitIsAFunctionOfTheSeed() {
    assertThat(firstTrainRows(3)).isEqualTo(firstTrainRows(3)).isNotEqualTo(firstTrainRows(4));
  }

  private static double[] firstTrainRows(long seed) {
    Dataset train = ramp(50).split(.8, .1, .1, seed).train();
    return IntStream.range(0, 10).mapToDouble(r -> train.row(r)[0]).toArray();
  }

  @Test
  void refusesToSplitTooFewRows() {
    assertThatThrownBy(() -> ramp(3).split(.8, .1, .1, 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("found 3");
  }

  @Test
  void refusesRowsThatAreNotFinite() {
    assertThatThrownBy(() -> Dataset.of(new double[][] {{1, 2}, {3, Double.NaN}}))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("row 1, value 1");
    assertThatThrownBy(() -> Dataset.of(new double[][] {{Double.NEGATIVE_INFINITY}}))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("row 0, value 0");
  }

  @Test
  void columnsThatFloat32CanNotTellApartOrHoldAreRefusedForIt() {
    double ulp = 0x1p-23; // of float32 at 1
    Dataset fine = Dataset.of(new double[][] {{1, 7, -3e38}, {1 + ulp, 7, 3e38}});
    fine.requireVaryingIn(Precision.FLOAT32);
    for (double[] column :
        new double[][] {{1, 1 + ulp / 4}, {0, 4e38}, {-4e38, 0}, {-1e300, 1e300}}) {
      Dataset data = Dataset.of(new double[][] {{1, column[0]}, {2, column[1]}});
      data.requireVaryingIn(Precision.FLOAT64);
      assertThatThrownBy(() -> data.requireVaryingIn(Precision.FLOAT32))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining(
              "expected columns that vary in precision f32, found "
                  + column[0]
                  + " to "
                  + column[1]
                  + " in column 2 ");
    }
  }

  @Test
  void refusesWrongShapesAndIndices() {
    Dataset data = ramp(4);
    Matrix target = Matrix.allocate(Precision.FLOAT64, 2, 3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> data.copyRows(new int[] {0, 1}, 0, 2, target, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> data.copyRows(0, 1, Matrix.allocate(Precision.FLOAT64, 2, 4), 0));
    assertThatThrownBy(() -> data.copyRows(new int[] {4}, 0, 1, target, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatIllegalArgumentException().isThrownBy(() -> Dataset.of(new double[][] {{1, 2}, {3}}));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> data.split(.8, .1, .2))
        .withMessageContaining("expected numbers above 0 that add up to at most 1");
    int[] beyond = new int[1];
    Arrays.fill(beyond, -1);
    assertThatThrownBy(() -> data.select(beyond)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  private static Dataset columns(double[]... columns) {
    double[][] rows = new double[columns[0].length][columns.length];
    for (int r = 0; r < rows.length; r++) {
      for (int c = 0; c < columns.length; c++) {
        rows[r][c] = columns[c][r];
      }
    }
    return Dataset.of(rows);
  }

  @Test
  void oneRowIsToldFromColumnsThatAreConstant() {
    Dataset rows = Dataset.of(new double[][] {{1, 2}, {1, 3}, {2, 2}});
    assertThatThrownBy(rows.select(0, 1)::requireVaryingColumns)
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("data: expected at least 2 training rows, found 1");
    assertThatThrownBy(rows.select(0, 2)::requireVaryingColumns)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("in every training row of column 1 (leave out");
    rows.requireVaryingColumns();
  }

  @Test
  void evenlySpacedRowsKeepTheirOrder() {
    double[][] rows = new double[10][1];
    for (int r = 0; r < 10; r++) {
      rows[r][0] = r;
    }
    Dataset all = Dataset.of(rows);
    assertThat(all.evenlySpaced(10)).isSameAs(all);
    Dataset four = all.select(new int[] {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}).evenlySpaced(4);
    assertThat(four.size()).isEqualTo(4);
    assertThat(new double[] {four.row(0)[0], four.row(1)[0], four.row(2)[0], four.row(3)[0]})
        .containsExactly(9, 7, 4, 2);
  }

  @Test
  void columnsHoldTheirValuesInTheOrderOfTheRows() {
    Dataset rows = Dataset.of(new double[][] {{1, 2}, {3, 4}, {5, 6}}).select(new int[] {2, 0});
    assertThat(rows.byColumn()).isDeepEqualTo(new double[][] {{5, 1}, {6, 2}});
  }

  @Test
  void columnsThatVaryByRoundingOnlyAreConstant() {
    double third = 0.1 + 0.2; // 0.30000000000000004
    Dataset data =
        columns(
            new double[] {1, 2, 3},
            new double[] {0.3, third, 0.3},
            new double[] {5, 5, 5},
            new double[] {0, 0, 0},
            new double[] {0, 0, 1e-300},
            new double[] {1e9, 1e9 + 1e-5, 1e9},
            new double[] {-7e300, -7e300, Math.nextUp(-7e300)},
            new double[] {-0.3, 0.3, 0.3},
            new double[] {-1e308, 1e308, 0});
    assertThat(data.constantColumns()).containsExactly(1, 2, 3, 6);
    assertThatThrownBy(data::requireVaryingColumns)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("column 2, 3, 4, 7");
    assertThat(data.withoutColumns(data.constantColumns()).constantColumns()).isEmpty();
  }

  @Test
  void columnsAreCountedInTheFile() {
    Dataset data =
        columns(
            new double[] {5, 5, 5},
            new double[] {1, 2, 3},
            new double[] {5, 5, 5},
            new double[] {4, 5, 6});
    Dataset kept = data.withoutColumns(data.constantColumns());
    assertThat(kept.places()).isEqualTo(new ColumnPlaces(4, List.of(1, 3)));
    assertThat(kept.row(2)).containsExactly(3, 6);
    assertThat(kept.columnName(1)).isEqualTo("4");
    assertThat(kept.withoutColumns(new int[] {0}).places())
        .isEqualTo(new ColumnPlaces(4, List.of(3)));
  }
}
