package org.ebflow.linalg;

/**
 * What turns convolutions into matrix products: copies of weights and of images in other layouts,
 * and the transposes of these copies. Matrices of rows are contiguous, weights may have a larger
 * stride; all are of one precision.
 */
public interface ConvolutionKernels {
  /**
   * Writes the weight as the matrix that makes one row of an output image of the rows of the input
   * image that it sees: a block-Toeplitz band.
   *
   * @param weight read, [out,{@link ConvolutionShape#taps}]
   * @param band [width·out, side·width·in]: row x·out + o belongs to channel o of pixel x of the
   *     output row, column (v·width + x')·in + c to channel c of pixel x' of the v-th input row.
   *     The elements that are weights are overwritten, the others are not touched: they stay zero
   */
  void expand(ConvolutionShape shape, Matrix weight, Matrix band);

  /**
   * The transpose of {@link #expand} for some rows of the band: each weight's cotangent is the sum
   * of those of its places.
   *
   * @param bandBar read, rows {@code fromRow} and following of [width·out, side·width·in]
   * @param weightBar accumulated into, [out,{@link ConvolutionShape#taps}]
   */
  void addFolded(ConvolutionShape shape, Matrix bandBar, int fromRow, Matrix weightBar);

  /**
   * Copies what each pixel of the output sees.
   *
   * @param images read, [rows,{@link ConvolutionShape#inputs}]
   * @param patches overwritten, [rows·pixels,{@link ConvolutionShape#taps}], zero where a square
   *     reaches beyond the image
   */
  void gatherPatches(ConvolutionShape shape, Matrix images, Matrix patches);

  /**
   * The transpose of {@link #gatherPatches}: each pixel is the sum over the patches that see it.
   *
   * @param patches read, [rows·pixels,{@link ConvolutionShape#taps}]
   * @param images overwritten, [rows,{@link ConvolutionShape#inputs}]
   */
  void addPatches(ConvolutionShape shape, Matrix patches, Matrix images);

  /**
   * Writes the weight of the transposed convolution, from out to in channels: the taps in reverse
   * order, in and out exchanged.
   *
   * @param weight read, [out,{@link ConvolutionShape#taps}]
   * @param transposed overwritten, [in, side²·out]
   */
  void transpose(ConvolutionShape shape, Matrix weight, Matrix transposed);

  /**
   * The transpose of {@link #transpose} for some rows.
   *
   * @param transposedBar read, rows {@code from} and following of [in, side²·out]
   * @param weightBar accumulated into, or overwritten, in the columns of these input channels,
   *     [out,{@link ConvolutionShape#taps}]
   */
  void addTransposed(
      ConvolutionShape shape, Matrix transposedBar, int from, boolean overwrite, Matrix weightBar);
}
