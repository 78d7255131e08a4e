package org.ebflow.flow.layer;

import static org.assertj.core.api.Assertions.assertThat;

import org.ebflow.linalg.ConvolutionShape;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which way a convolution is computed, by its shape. */
class ConvolutionProductsTest {
  @ParameterizedTest
  @CsvSource({
    // the published models
    "28, 1, 1, 7, true",
    "14, 4, 4, 7, true",
    "7, 16, 16, 7, true",
    "32, 3, 3, 7, true",
    "16, 12, 12, 7, true",
    "8, 48, 48, 7, true",
    // networks of couplings
    "14, 2, 512, 3, false",
    "14, 512, 512, 1, false",
    "14, 512, 4, 3, false",
    "4, 24, 512, 3, false",
    "4, 512, 48, 3, false",
    // the small ones that the other tests compute by patches
    "9, 1, 16, 3, false",
    "9, 16, 1, 3, false",
    "9, 16, 2, 3, false"
  })
  void wideImagesOfManyChannelsAreCutIntoPatches(
      int width, int in, int out, int side, boolean byRows) {
    assertThat(ConvolutionProducts.byRows(new ConvolutionShape(2, width, in, out, side)))
        .isEqualTo(byRows);
  }
}
