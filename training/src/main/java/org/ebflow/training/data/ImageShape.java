package org.ebflow.training.data;

/**
 * Shape of an image whose row lists its channels one after the other, each row-major.
 *
 * @param channels 1 grey, 3 red, green, blue
 * @param height pixels
 * @param width pixels
 */
public record ImageShape(int channels, int height, int width) {
  /** Refuses sides below one and a size that overflows. */
  public ImageShape {
    if (channels < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException("ImageShape: " + channels + "x" + height + "x" + width);
    }
    Math.multiplyExact(Math.multiplyExact(channels, height), width);
  }

  /** Values per image. */
  public int size() {
    return channels * height * width;
  }
}
