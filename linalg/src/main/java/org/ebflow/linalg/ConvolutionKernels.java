package org.ebflow.linalg;

import org.jspecify.annotations.Nullable;

/**
 * Convolutions of rows that are images. Matrices of rows are contiguous, a weight may have a larger
 * stride; all are of one precision. A row's sums have the same order wherever the row stands.
 *
 * <p>Written for one output element: y[r,(p,o)] = Σ_{v,u,c} W[o,(v,u,c)]·x[r,(p + (v,u) - padding,
 * c)], where pixels outside of the image count as zero.
 */
public interface ConvolutionKernels {
  /**
   * y ← x convolved with the weight, plus the bias.
   *
   * @param x read, [rows,{@link ConvolutionShape#inputs}]
   * @param weight read, [out,{@link ConvolutionShape#taps}]
   * @param bias read, [1,out]; null for none
   * @param y overwritten, [rows,{@link ConvolutionShape#outputs}]
   */
  void convolve(ConvolutionShape shape, Matrix x, Matrix weight, @Nullable Matrix bias, Matrix y);

  /**
   * The transpose of {@link #convolve}: x̄ ← the cotangents of the input.
   *
   * @param yBar read, [rows,{@link ConvolutionShape#outputs}]
   * @param weight read, [out,{@link ConvolutionShape#taps}]
   * @param xBar overwritten, [rows,{@link ConvolutionShape#inputs}]
   */
  void convolveTransposed(ConvolutionShape shape, Matrix yBar, Matrix weight, Matrix xBar);

  /**
   * W̄ += Σ_{r,p} ȳ[r,(p,o)]·x[r,(p + (v,u) - padding, c)], of some output channels o.
   *
   * @param yBar read, [rows,{@link ConvolutionShape#outputs}]
   * @param x read, [rows,{@link ConvolutionShape#inputs}]
   * @param weightBar rows {@code from} to {@code to} (exclusive) accumulated into, [out,{@link
   *     ConvolutionShape#taps}]
   */
  void addWeightGradient(
      ConvolutionShape shape, Matrix yBar, Matrix x, Matrix weightBar, int from, int to);
}
