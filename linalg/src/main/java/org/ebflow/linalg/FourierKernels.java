package org.ebflow.linalg;

/** Layouts of the Fourier transform of images. All matrices are of one precision. */
public interface FourierKernels {
  /**
   * y ← xᵀ.
   *
   * @param x read, [rows,columns]
   * @param y overwritten, [columns,rows], not overlapping x
   */
  void transpose(Matrix x, Matrix y);

  /**
   * Complex coefficients of what was transformed along rows and along columns by {@link
   * FourierShape#basis}, scaled so that the whole transform keeps norms.
   *
   * @param products read, [rows·columns of the shape, n], contiguous: n numbers for each product of
   *     a basis function of the rows and one of the columns
   * @param coefficients overwritten, [frequencies,2n], contiguous: n real parts, n imaginary parts
   *     of each; those of frequency 0 are zero
   */
  void combine(FourierShape shape, Matrix products, Matrix coefficients);

  /**
   * The transpose of {@link #combine}, which for coefficients of real images is its inverse.
   *
   * @param coefficients read, [frequencies,2n], contiguous; no imaginary part of frequency 0
   * @param products overwritten, [rows·columns of the shape, n], contiguous
   */
  void separate(FourierShape shape, Matrix coefficients, Matrix products);
}
