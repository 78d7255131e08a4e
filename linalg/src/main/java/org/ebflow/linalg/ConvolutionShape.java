package org.ebflow.linalg;

/**
 * A convolution of images of height·width pixels, stride 1, with zeros around the image so that the
 * output has as many pixels.
 *
 * <p>Images are rows, channels last: element (y, x, c) is column (y·width + x)·channels + c. The
 * weight is [out, side²·in]: column (v·side + u)·in + c belongs to channel c of the pixel v -
 * ⌊side/2⌋ below and u - ⌊side/2⌋ right of the output's.
 *
 * @param height pixels
 * @param width pixels
 * @param in channels of the input
 * @param out channels of the output
 * @param side of the square of pixels that an output pixel sees; odd
 */
public record ConvolutionShape(int height, int width, int in, int out, int side) {
  /** Refuses counts below one and an even side. */
  public ConvolutionShape {
    if (height < 1 || width < 1 || in < 1 || out < 1) {
      throw new IllegalArgumentException(
          "ConvolutionShape: "
              + height
              + "x"
              + width
              + " pixels, "
              + in
              + " to "
              + out
              + " channels, expected at least 1 each");
    }
    if (side < 1 || side % 2 == 0) {
      throw new IllegalArgumentException(
          "ConvolutionShape: side is " + side + ", expected an odd number of pixels");
    }
    Math.multiplyExact(Math.multiplyExact(height, width), Math.max(in, out));
    Math.multiplyExact(Math.multiplyExact(side, side), in);
  }

  /** Pixels of an image. */
  public int pixels() {
    return height * width;
  }

  /** Numbers of an input row. */
  public int inputs() {
    return pixels() * in;
  }

  /** Numbers of an output row. */
  public int outputs() {
    return pixels() * out;
  }

  /** Columns of the weight: numbers that an output pixel sees. */
  public int taps() {
    return side * side * in;
  }

  /** The transposed convolution, which brings cotangents back: in and out exchanged. */
  public ConvolutionShape transposed() {
    return new ConvolutionShape(height, width, out, in, side);
  }

  /** Zeros on each side of the image. */
  public int padding() {
    return side / 2;
  }
}
