package org.ebflow.linalg;

/**
 * The discrete Fourier transform that turns a convolution of images into one small product for each
 * frequency (docs/derivations/convolution.md).
 *
 * <p>The transform continues images by zeros to rows·columns pixels. Both are odd, so that all
 * frequencies but zero come in conjugate pairs, of which one is kept. Frequency 0 is the mean; then
 * come the others of column frequency 0; then for each further column frequency that of row
 * frequency 0 and, for each further row frequency, the sum of both and their difference.
 *
 * @param height pixels of the image
 * @param width pixels of the image
 * @param side of the square of pixels that an output pixel sees; odd
 */
public record FourierShape(int height, int width, int side) {
  /** Transform for that convolution. */
  public static FourierShape of(ConvolutionShape shape) {
    return new FourierShape(shape.height(), shape.width(), shape.side());
  }

  /** Pixels of the continued image: at least half a square more than it has, and odd. */
  public int rows() {
    return (height + side / 2) | 1;
  }

  /** Pixels of the continued image: at least half a square more than it has, and odd. */
  public int columns() {
    return (width + side / 2) | 1;
  }

  /** How many frequencies are kept. */
  public int frequencies() {
    return 1 + rows() * columns() / 2;
  }

  /**
   * Matrix [period,n] with orthonormal columns that transforms n numbers, continued by zeros to
   * {@code period}: the mean, all cosines, all sines, centred in the middle of the numbers.
   *
   * @param period odd
   */
  public static Matrix basis(Precision precision, int n, int period) {
    Matrix result = Matrix.allocate(precision, period, n);
    int half = period / 2;
    for (int x = 0; x < n; x++) {
      result.set(0, x, 1 / Math.sqrt(period));
      for (int k = 1; k <= half; k++) {
        double angle = Math.PI * k * (2 * x - (n - 1)) / period;
        result.set(k, x, Math.sqrt(2.0 / period) * StrictMath.cos(angle));
        result.set(half + k, x, Math.sqrt(2.0 / period) * StrictMath.sin(angle));
      }
    }
    return result;
  }

  /**
   * Matrix [frequencies,side²] that makes real parts of the coefficients of a weight's square:
   * cosines.
   */
  public Matrix cosines(Precision precision) {
    return squares(precision, false);
  }

  /** The same for imaginary parts: sines. */
  public Matrix sines(Precision precision) {
    return squares(precision, true);
  }

  private Matrix squares(Precision precision, boolean sine) {
    Matrix result = Matrix.allocate(precision, frequencies(), side * side);
    int f = 0;
    for (int x = 0; x <= columns() / 2; x++) {
      for (int y = 0; y <= rows() / 2; y++) {
        set(result, f++, x, y, sine);
        if (x > 0 && y > 0) {
          set(result, f++, x, -y, sine);
        }
      }
    }
    return result;
  }

  private void set(Matrix result, int f, int x, int y, boolean sine) {
    for (int q = 0; q < side * side; q++) {
      double turns =
          (double) y * (q / side - side / 2) / rows()
              + (double) x * (q % side - side / 2) / columns();
      double angle = 2 * Math.PI * turns;
      result.set(f, q, sine ? StrictMath.sin(angle) : StrictMath.cos(angle));
    }
  }
}
