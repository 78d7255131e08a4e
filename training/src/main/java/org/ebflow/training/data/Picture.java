package org.ebflow.training.data;

import java.util.Arrays;
import org.ebflow.flow.InvalidInputException;

/**
 * A picture in eight bits a channel.
 *
 * @param height in pixels
 * @param width in pixels
 * @param rgb [height·width·3], red, green and blue of a pixel side by side
 */
record Picture(int height, int width, byte[] rgb) {
  static final int CHANNELS = 3;

  /** Whether some pixel is not grey. */
  boolean hasColour() {
    for (int i = 0; i < rgb.length; i += CHANNELS) {
      if (rgb[i] != rgb[i + 1] || rgb[i] != rgb[i + 2]) {
        return true;
      }
    }
    return false;
  }

  /**
   * The pixels of a row of data.
   *
   * @param source names it in messages
   * @param channels 3, or 1 of a picture that is grey
   */
  byte[] pixels(String source, int channels) {
    if (channels == CHANNELS) {
      return rgb;
    }
    if (hasColour()) {
      throw new InvalidInputException(
          source + ": expected a grey picture, as those of the model are, found colour");
    }
    return grey(rgb);
  }

  /** The first channel of every pixel. */
  static byte[] grey(byte[] rgb) {
    byte[] grey = new byte[rgb.length / CHANNELS];
    for (int i = 0; i < grey.length; i++) {
      grey[i] = rgb[i * CHANNELS];
    }
    return grey;
  }

  /**
   * The largest centred square, resized by a triangle filter that is as wide as an output pixel
   * where it makes smaller, and interpolates linearly where it makes larger.
   */
  Picture square(int side) {
    int size = Math.min(height, width);
    int top = (height - size) / 2;
    int left = (width - size) / 2;
    byte[] result = new byte[side * side * CHANNELS];
    if (size == side) {
      for (int y = 0; y < side; y++) {
        System.arraycopy(
            rgb,
            ((top + y) * width + left) * CHANNELS,
            result,
            y * side * CHANNELS,
            side * CHANNELS);
      }
      return new Picture(side, side, result);
    }
    Filter[] filters = Filter.all(size, side);
    float[] narrow = new float[size * side * CHANNELS]; // [size,side,3]
    for (int y = 0; y < size; y++) {
      for (int x = 0; x < side; x++) {
        filters[x].sumPixels(
            rgb, ((top + y) * width + left) * CHANNELS, narrow, (y * side + x) * CHANNELS);
      }
    }
    float[] row = new float[side * CHANNELS];
    for (int y = 0; y < side; y++) {
      filters[y].sumRows(narrow, row);
      for (int i = 0; i < row.length; i++) {
        result[y * row.length + i] = (byte) (row[i] + 0.5f); // weights of sum 1: 0 to 255
      }
    }
    return new Picture(side, side, result);
  }

  /** Weights, of sum 1, of the inputs from {@code first} on that one output is the sum of. */
  private record Filter(int first, float[] weights) {
    static Filter[] all(int inputs, int outputs) {
      double scale = (double) inputs / outputs;
      double reach = Math.max(1, scale);
      Filter[] result = new Filter[outputs];
      for (int i = 0; i < outputs; i++) {
        double centre = (i + 0.5) * scale - 0.5;
        int first = Math.max(0, (int) Math.ceil(centre - reach));
        int last = Math.min(inputs - 1, (int) Math.floor(centre + reach));
        double[] weights = new double[last - first + 1];
        for (int j = first; j <= last; j++) {
          weights[j - first] = 1 - Math.abs(j - centre) / reach;
        }
        double sum = Arrays.stream(weights).sum();
        float[] normalised = new float[weights.length];
        for (int j = 0; j < weights.length; j++) {
          normalised[j] = (float) (weights[j] / sum);
        }
        result[i] = new Filter(first, normalised);
      }
      return result;
    }

    /** One pixel of a row that starts at {@code at}. */
    void sumPixels(byte[] pixels, int at, float[] target, int to) {
      for (int c = 0; c < CHANNELS; c++) {
        float sum = 0;
        int from = at + first * CHANNELS + c;
        for (int j = 0; j < weights.length; j++) {
          sum += weights[j] * (pixels[from + j * CHANNELS] & 0xFF);
        }
        target[to + c] = sum;
      }
    }

    /** One row, overwritten, of the rows of that length. */
    void sumRows(float[] rows, float[] target) {
      Arrays.fill(target, 0);
      for (int j = 0; j < weights.length; j++) {
        int from = (first + j) * target.length;
        for (int i = 0; i < target.length; i++) {
          target[i] += weights[j] * rows[from + i];
        }
      }
    }
  }
}
