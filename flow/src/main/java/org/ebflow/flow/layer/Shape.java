package org.ebflow.flow.layer;

/**
 * How a row is an image: pixel by pixel in row-major order, the channels of a pixel side by side
 * (channels last, docs/decisions/0011). A row that is no image is one pixel of many channels.
 *
 * <p>Element (y, x, c) of an image is column (y·width + x)·channels + c of its row.
 *
 * @param channels numbers per pixel; 1 grey, 3 red, green, blue
 * @param height pixels
 * @param width pixels
 */
public record Shape(int channels, int height, int width) {
  /** Refuses sides below one and a size that overflows. */
  public Shape {
    if (channels < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException(
          "Shape: " + channels + "x" + height + "x" + width + ", expected sides of at least 1");
    }
    Math.multiplyExact(Math.multiplyExact(channels, height), width);
  }

  /** Rows of so many numbers that are no images. */
  public static Shape plain(int dimension) {
    return new Shape(dimension, 1, 1);
  }

  /** Numbers per row. */
  public int size() {
    return channels * height * width;
  }

  /** Pixels per row. */
  public int pixels() {
    return height * width;
  }

  /**
   * This shape, of the rows that a layer takes.
   *
   * @param layer names it in the message
   * @throws IllegalArgumentException if {@code input} is another shape
   */
  Shape require(Object layer, Shape input) {
    if (!equals(input)) {
      throw new IllegalArgumentException(layer + ": rows are " + input + ", expected " + this);
    }
    return this;
  }

  /** As "3x32x32": channels, height, width. */
  @Override
  public String toString() {
    return channels + "x" + height + "x" + width;
  }
}
