package org.ebflow.linalg.reference;

import java.util.Arrays;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.SpectralKernels;

/** Spectral normalisation by plain loops over rows. */
final class FloatSpectral implements SpectralKernels {
  private static final double SMALLEST_NORM = 1e-12;

  @Override
  public void powerIteration(Matrix w, Matrix u, Matrix v) {
    float[] values = w.floats();
    int in = w.columns();
    float[] left = u.floats();
    float[] right = v.floats();
    Arrays.fill(right, v.offset(), v.offset() + in, 0);
    for (int r = 0; r < w.rows(); r++) {
      int at = w.offset() + r * w.stride();
      float scale = left[u.offset() + r];
      for (int c = 0; c < in; c++) {
        right[v.offset() + c] += scale * values[at + c];
      }
    }
    normalise(right, v.offset(), in);
    for (int r = 0; r < w.rows(); r++) {
      left[u.offset() + r] = (float) dot(values, w.offset() + r * w.stride(), right, v.offset(), in);
    }
    normalise(left, u.offset(), w.rows());
  }

  private static void normalise(float[] x, int from, int count) {
    float scale = (float) (1 / Math.max(norm(x, from, count), SMALLEST_NORM));
    for (int i = 0; i < count; i++) {
      x[from + i] *= scale;
    }
  }

  @Override
  public double sigma(Matrix w, Matrix u, Matrix v) {
    double sum = 0;
    for (int r = 0; r < w.rows(); r++) {
      sum +=
          u.floats()[u.offset() + r]
              * dot(w.floats(), w.offset() + r * w.stride(), v.floats(), v.offset(), w.columns());
    }
    return sum / norms(u, v);
  }

  private static double norms(Matrix u, Matrix v) {
    return norm(u.floats(), u.offset(), u.columns()) * norm(v.floats(), v.offset(), v.columns());
  }

  @Override
  public void divide(Matrix w, double sigma, Matrix out) {
    for (int r = 0; r < w.rows(); r++) {
      int from = w.offset() + r * w.stride();
      int to = out.offset() + r * out.stride();
      for (int c = 0; c < w.columns(); c++) {
        out.floats()[to + c] = (float) (w.floats()[from + c] / sigma);
      }
    }
  }

  @Override
  public void pullBack(
      Matrix w,
      double sigma,
      Matrix u,
      Matrix v,
      Matrix wBar,
      Matrix originalBar,
      int from,
      int to) {
    double along = 0;
    for (int r = 0; r < w.rows(); r++) {
      int at = w.offset() + r * w.stride();
      int barAt = wBar.offset() + r * wBar.stride();
      along += dot(wBar.floats(), barAt, w.floats(), at, w.columns());
    }
    along /= norms(u, v);
    for (int r = from; r < to; r++) {
      int barAt = wBar.offset() + r * wBar.stride();
      int target = originalBar.offset() + r * originalBar.stride();
      double factor = along * u.floats()[u.offset() + r];
      for (int c = 0; c < w.columns(); c++) {
        double across = wBar.floats()[barAt + c] - factor * v.floats()[v.offset() + c];
        originalBar.floats()[target + c] = (float) (across / sigma);
      }
    }
  }

  private static double norm(float[] x, int from, int count) {
    return Math.sqrt(dot(x, from, x, from, count));
  }

  private static double dot(float[] a, int aFrom, float[] b, int bFrom, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += (double) a[aFrom + i] * b[bFrom + i];
    }
    return sum;
  }
}
