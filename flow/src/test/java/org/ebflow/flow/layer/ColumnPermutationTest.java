package org.ebflow.flow.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ColumnPermutationTest {
  private static final Shape IMAGE = new Shape(3, 4, 6);

  /** Unlike those of a squeeze: dense layers leave rows without the shape of an image. */
  @Test
  void squeezedRowsNeedNotHaveTheShapeOfAnImage() {
    Shape plain = Shape.plain(IMAGE.size());
    Shape squeezed = new Shape(12, 2, 3);
    assertThat(ColumnPermutation.squeezeRows(IMAGE).outputShape(plain)).isEqualTo(squeezed);
    assertThat(ColumnPermutation.squeezeRows(IMAGE).outputShape(IMAGE)).isEqualTo(squeezed);
    assertThat(ColumnPermutation.squeeze(IMAGE).outputShape(IMAGE)).isEqualTo(squeezed);
    assertThatThrownBy(() -> ColumnPermutation.squeeze(IMAGE).outputShape(plain))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rows are " + plain + ", expected " + IMAGE);
    assertThatThrownBy(() -> ColumnPermutation.squeezeRows(IMAGE).outputShape(Shape.plain(71)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rows are " + Shape.plain(71) + ", expected " + plain);
  }
}
