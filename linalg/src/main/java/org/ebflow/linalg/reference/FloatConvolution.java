package org.ebflow.linalg.reference;

import java.util.Arrays;
import org.ebflow.linalg.ConvolutionKernels;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.Matrix;

/**
 * Layouts of convolutions in float32.
 *
 * <p>Of the square that an output pixel sees, each row is a run of numbers side by side: in the
 * image, in the weight, in a row of the band and in a patch.
 */
public final class FloatConvolution implements ConvolutionKernels {
  /** First of the taps side by side that lie inside of the image, for output column x. */
  private static int left(ConvolutionShape shape, int x) {
    return Math.max(0, shape.padding() - x);
  }

  /** How many numbers such a run has. */
  private static int run(ConvolutionShape shape, int x) {
    int right = Math.min(shape.side(), shape.width() + shape.padding() - x);
    return (right - left(shape, x)) * shape.in();
  }

  @Override
  public void expand(ConvolutionShape shape, Matrix weight, Matrix band) {
    for (int row = 0; row < band.rows(); row++) {
      int x = row / shape.out();
      int from = weight.offset() + row % shape.out() * weight.stride();
      int to = band.offset() + row * band.stride();
      for (int v = 0; v < shape.side(); v++) {
        System.arraycopy(
            weight.floats(),
            from + tap(shape, v, x),
            band.floats(),
            to + place(shape, v, x),
            run(shape, x));
      }
    }
  }

  @Override
  public void addFolded(ConvolutionShape shape, Matrix bandBar, int fromRow, Matrix weightBar) {
    for (int row = 0; row < bandBar.rows(); row++) {
      int x = (fromRow + row) / shape.out();
      int to = weightBar.offset() + (fromRow + row) % shape.out() * weightBar.stride();
      int from = bandBar.offset() + row * bandBar.stride();
      for (int v = 0; v < shape.side(); v++) {
        add(
            bandBar.floats(),
            from + place(shape, v, x),
            weightBar.floats(),
            to + tap(shape, v, x),
            run(shape, x));
      }
    }
  }

  /** Column of the weight where the run of row v begins. */
  private static int tap(ConvolutionShape shape, int v, int x) {
    return (v * shape.side() + left(shape, x)) * shape.in();
  }

  /** Column of the band where it begins. */
  private static int place(ConvolutionShape shape, int v, int x) {
    return (v * shape.width() + x + left(shape, x) - shape.padding()) * shape.in();
  }

  private static void add(float[] from, int at, float[] to, int start, int count) {
    for (int i = 0; i < count; i++) {
      to[start + i] += from[at + i];
    }
  }

  @Override
  public void gatherPatches(ConvolutionShape shape, Matrix images, Matrix patches) {
    Arrays.fill(patches.floats(), patches.offset(), patches.offset() + patches.size(), 0f);
    for (int row = 0; row < patches.rows(); row++) {
      int x = row % shape.width();
      for (int v = 0; v < shape.side(); v++) {
        int from = source(shape, row, v);
        if (from >= 0) {
          System.arraycopy(
              images.floats(),
              images.offset() + from,
              patches.floats(),
              patches.offset() + row * patches.columns() + tap(shape, v, x),
              run(shape, x));
        }
      }
    }
  }

  @Override
  public void addPatches(ConvolutionShape shape, Matrix patches, Matrix images) {
    Arrays.fill(images.floats(), images.offset(), images.offset() + images.size(), 0f);
    for (int row = 0; row < patches.rows(); row++) {
      int x = row % shape.width();
      for (int v = 0; v < shape.side(); v++) {
        int to = source(shape, row, v);
        if (to >= 0) {
          add(
              patches.floats(),
              patches.offset() + row * patches.columns() + tap(shape, v, x),
              images.floats(),
              images.offset() + to,
              run(shape, x));
        }
      }
    }
  }

  /**
   * Where the run of row v of output pixel {@code row} begins among the images' numbers, -1 if that
   * row lies outside of the image.
   */
  private static int source(ConvolutionShape shape, int row, int v) {
    int y = row / shape.width() % shape.height() + v - shape.padding();
    if (y < 0 || y >= shape.height()) {
      return -1;
    }
    int x = row % shape.width();
    int image = row / shape.pixels();
    int pixel = y * shape.width() + x + left(shape, x) - shape.padding();
    return (image * shape.pixels() + pixel) * shape.in();
  }

  @Override
  public void transpose(ConvolutionShape shape, Matrix weight, Matrix transposed) {
    int squares = shape.side() * shape.side();
    for (int o = 0; o < shape.out(); o++) {
      int from = weight.offset() + o * weight.stride();
      for (int q = 0; q < squares; q++) {
        int to = transposed.offset() + (squares - 1 - q) * shape.out() + o;
        for (int c = 0; c < shape.in(); c++) {
          transposed.floats()[to + c * transposed.stride()] =
              weight.floats()[from + q * shape.in() + c];
        }
      }
    }
  }

  @Override
  public void addTransposed(
      ConvolutionShape shape, Matrix transposedBar, int from, boolean overwrite, Matrix weightBar) {
    int squares = shape.side() * shape.side();
    for (int o = 0; o < shape.out(); o++) {
      int to = weightBar.offset() + o * weightBar.stride() + from;
      for (int q = 0; q < squares; q++) {
        int at = transposedBar.offset() + (squares - 1 - q) * shape.out() + o;
        for (int c = 0; c < transposedBar.rows(); c++) {
          int place = to + q * shape.in() + c;
          float value = transposedBar.floats()[at + c * transposedBar.stride()];
          weightBar.floats()[place] = overwrite ? value : weightBar.floats()[place] + value;
        }
      }
    }
  }
}
