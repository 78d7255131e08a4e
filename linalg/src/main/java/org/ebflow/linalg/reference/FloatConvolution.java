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
    int line = shape.side() * shape.in();
    int to = patches.offset();
    for (int pixel = 0; pixel < patches.rows(); pixel += shape.width()) { // a row of an image
      int first = first(shape, images, pixel);
      int y = pixel / shape.width() % shape.height() - shape.padding();
      for (int x = 0; x < shape.width(); x++) {
        int before = left(shape, x) * shape.in();
        int count = run(shape, x);
        for (int v = 0; v < shape.side(); v++) {
          boolean inside = y + v >= 0 && y + v < shape.height();
          if (!inside || count < line) {
            Arrays.fill(patches.floats(), to, to + line, 0f);
          }
          if (inside) {
            int from = first + (v * shape.width() + x) * shape.in() + before;
            System.arraycopy(images.floats(), from, patches.floats(), to + before, count);
          }
          to += line;
        }
      }
    }
  }

  @Override
  public void addPatches(ConvolutionShape shape, Matrix patches, Matrix images) {
    Arrays.fill(images.floats(), images.offset(), images.offset() + images.size(), 0f);
    int line = shape.side() * shape.in();
    int from = patches.offset();
    for (int pixel = 0; pixel < patches.rows(); pixel += shape.width()) {
      int first = first(shape, images, pixel);
      int y = pixel / shape.width() % shape.height() - shape.padding();
      for (int x = 0; x < shape.width(); x++) {
        int before = left(shape, x) * shape.in();
        int count = run(shape, x);
        for (int v = 0; v < shape.side(); v++) {
          if (y + v >= 0 && y + v < shape.height()) {
            int to = first + (v * shape.width() + x) * shape.in() + before;
            add(patches.floats(), from + before, images.floats(), to, count);
          }
          from += line;
        }
      }
    }
  }

  /**
   * Where the square begins that a row's first pixel sees, among the images' numbers; beyond the
   * image where the square is.
   *
   * @param pixel number of the pixel among those of all images
   */
  private static int first(ConvolutionShape shape, Matrix images, int pixel) {
    int corner = pixel - shape.padding() * shape.width() - shape.padding();
    return images.offset() + corner * shape.in();
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
