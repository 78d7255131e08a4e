package org.ebflow.linalg.reference;

import org.ebflow.linalg.ConvolutionKernels;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions in float32, element by element.
 *
 * <p>Of the square that an output pixel sees, each row is a run of numbers side by side, both in
 * the image and in the weight. Pixels outside of the image are left out.
 */
public final class FloatConvolution implements ConvolutionKernels {
  /** What is done with a run of numbers of an output element's sum. */
  private enum Pass {
    FORWARD,
    INPUT_COTANGENTS,
    WEIGHT_GRADIENT
  }

  @Override
  public void convolve(
      ConvolutionShape shape, Matrix x, Matrix weight, @Nullable Matrix bias, Matrix y) {
    for (int i = 0; i < y.size(); i++) {
      y.floats()[y.offset() + i] =
          bias == null ? 0f : bias.floats()[bias.offset() + i % shape.out()];
    }
    run(Pass.FORWARD, shape, x, weight, y, 0, shape.out());
  }

  @Override
  public void convolveTransposed(ConvolutionShape shape, Matrix yBar, Matrix weight, Matrix xBar) {
    xBar.fill(0);
    run(Pass.INPUT_COTANGENTS, shape, xBar, weight, yBar, 0, shape.out());
  }

  @Override
  public void addWeightGradient(
      ConvolutionShape shape, Matrix yBar, Matrix x, Matrix weightBar, int from, int to) {
    run(Pass.WEIGHT_GRADIENT, shape, x, weightBar, yBar, from, to);
  }

  /** Inputs and weights of every run of every output element. */
  private static void run(
      Pass pass,
      ConvolutionShape shape,
      Matrix x,
      Matrix weight,
      Matrix y,
      int fromChannel,
      int toChannel) {
    int padding = shape.padding();
    for (int r = 0; r < x.rows(); r++) {
      for (int row = 0; row < shape.height(); row++) {
        for (int column = 0; column < shape.width(); column++) {
          int to = y.offset() + (r * shape.pixels() + row * shape.width() + column) * shape.out();
          int left = Math.max(0, padding - column);
          int right = Math.min(shape.side(), shape.width() + padding - column);
          for (int v = 0; v < shape.side(); v++) {
            int above = row + v - padding;
            if (above >= 0 && above < shape.height()) {
              int pixel = above * shape.width() + column + left - padding;
              int from = x.offset() + (r * shape.pixels() + pixel) * shape.in();
              int tap = weight.offset() + (v * shape.side() + left) * shape.in();
              int count = (right - left) * shape.in();
              for (int o = fromChannel; o < toChannel; o++) {
                run(pass, x, from, weight, tap + o * weight.stride(), y, to + o, count);
              }
            }
          }
        }
      }
    }
  }

  private static void run(
      Pass pass, Matrix x, int from, Matrix weight, int tap, Matrix y, int to, int count) {
    float[] xs = x.floats();
    float[] ws = weight.floats();
    float[] ys = y.floats();
    switch (pass) {
      case FORWARD -> ys[to] = dot(xs, from, ws, tap, count, ys[to]);
      case INPUT_COTANGENTS -> addScaled(ys[to], ws, tap, xs, from, count);
      case WEIGHT_GRADIENT -> addScaled(ys[to], xs, from, ws, tap, count);
    }
  }

  private static float dot(float[] x, int from, float[] w, int tap, int count, float start) {
    float sum = start;
    for (int i = 0; i < count; i++) {
      sum = Math.fma(x[from + i], w[tap + i], sum);
    }
    return sum;
  }

  private static void addScaled(float factor, float[] x, int from, float[] sum, int to, int count) {
    for (int i = 0; i < count; i++) {
      sum[to + i] = Math.fma(factor, x[from + i], sum[to + i]);
    }
  }
}
