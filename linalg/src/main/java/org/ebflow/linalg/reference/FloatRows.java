package org.ebflow.linalg.reference;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;

/** Vector arithmetic in float32, element by element. */
public final class FloatRows implements RowKernels {
  /** Rows and columns of a tile that is transposed in the first cache. */
  private static final int TILE = 32;

  @Override
  public void addToRows(Matrix y, Matrix bias) {
    for (int r = 0, i = 0; r < y.rows(); r++) {
      for (int c = 0; c < y.columns(); c++, i++) {
        y.floats()[y.offset() + i] += bias.floats()[bias.offset() + c];
      }
    }
  }

  @Override
  public void subtractFromRows(Matrix x, Matrix bias, Matrix y) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        y.floats()[y.offset() + i] = x.floats()[x.offset() + i] - bias.floats()[bias.offset() + c];
      }
    }
  }

  @Override
  public void divideColumns(Matrix x, Matrix scale, Matrix y) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        y.floats()[y.offset() + i] =
            x.floats()[x.offset() + i] / scale.floats()[scale.offset() + c];
      }
    }
  }

  @Override
  public void expNegative(Matrix x, Matrix y) {
    for (int i = 0; i < x.size(); i++) {
      y.floats()[y.offset() + i] = FloatPolynomials.exp(-x.floats()[x.offset() + i]);
    }
  }

  @Override
  public void combine(double a, Matrix x, double b, Matrix y, Matrix out) {
    for (int i = 0; i < x.size(); i++) {
      float u = x.floats()[x.offset() + i];
      float v = y.floats()[y.offset() + i];
      out.floats()[out.offset() + i] = combine((float) a, u, (float) b, v);
    }
  }

  /** a·x + b·y. */
  public static float combine(float a, float x, float b, float y) {
    return Math.fma(a, x, b * y);
  }

  @Override
  public void gatherColumns(Matrix x, int[] source, Matrix y) {
    for (int r = 0; r < x.rows(); r++) {
      int from = x.offset() + r * x.columns();
      int to = y.offset() + r * y.columns();
      for (int c = 0; c < y.columns(); c++) {
        y.floats()[to + c] = x.floats()[from + source[c]];
      }
    }
  }

  @Override
  public void scatterColumns(Matrix x, int[] target, Matrix y) {
    for (int r = 0; r < x.rows(); r++) {
      int from = x.offset() + r * x.columns();
      int to = y.offset() + r * y.columns();
      for (int c = 0; c < x.columns(); c++) {
        y.floats()[to + target[c]] = x.floats()[from + c];
      }
    }
  }

  @Override
  public void scaleShiftColumns(Matrix x, Matrix scale, Matrix shift, Matrix y) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        float s = scale.floats()[scale.offset() + c];
        y.floats()[y.offset() + i] =
            Math.fma(x.floats()[x.offset() + i], s, shift.floats()[shift.offset() + c]);
      }
    }
  }

  @Override
  public void scaleColumns(Matrix x, Matrix scale, Matrix y) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++, i++) {
        float s = scale.floats()[scale.offset() + c];
        y.floats()[y.offset() + i] = x.floats()[x.offset() + i] * s;
      }
    }
  }

  @Override
  public void addColumnSums(double factor, Matrix x, Matrix sums, int from, int to) {
    for (int c = from; c < to; c++) {
      float sum = 0f;
      for (int r = 0; r < x.rows(); r++) {
        sum += x.floats()[x.offset() + r * x.columns() + c];
      }
      int at = sums.offset() + c;
      sums.floats()[at] = Math.fma((float) factor, sum, sums.floats()[at]);
    }
  }

  @Override
  public void product(Matrix x, Matrix y, Matrix out) {
    for (int i = 0; i < x.size(); i++) {
      out.floats()[out.offset() + i] = x.floats()[x.offset() + i] * y.floats()[y.offset() + i];
    }
  }

  @Override
  public void addRowDots(double factor, Matrix x, Matrix y, Matrix dots) {
    for (int r = 0; r < x.rows(); r++) {
      int at = r * x.columns();
      double sum = dot(x.floats(), x.offset() + at, y.floats(), y.offset() + at, x.columns());
      dots.doubles()[dots.offset() + r] += factor * sum;
    }
  }

  /** Σ x·y in float64, by eight sums that are added in pairs. */
  public static double dot(float[] x, int xAt, float[] y, int yAt, int count) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    int i = 0;
    for (; i <= count - 8; i += 8) {
      s0 += (double) x[xAt + i] * y[yAt + i];
      s1 += (double) x[xAt + i + 1] * y[yAt + i + 1];
      s2 += (double) x[xAt + i + 2] * y[yAt + i + 2];
      s3 += (double) x[xAt + i + 3] * y[yAt + i + 3];
      s4 += (double) x[xAt + i + 4] * y[yAt + i + 4];
      s5 += (double) x[xAt + i + 5] * y[yAt + i + 5];
      s6 += (double) x[xAt + i + 6] * y[yAt + i + 6];
      s7 += (double) x[xAt + i + 7] * y[yAt + i + 7];
    }
    double rest = 0;
    for (; i < count; i++) {
      rest += (double) x[xAt + i] * y[yAt + i];
    }
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + rest;
  }

  @Override
  public void scaleRows(double factor, Matrix c, Matrix x, Matrix y) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      float scale = (float) (factor * c.doubles()[c.offset() + r]);
      for (int end = i + x.columns(); i < end; i++) {
        y.floats()[y.offset() + i] = scale * x.floats()[x.offset() + i];
      }
    }
  }

  @Override
  public void addScaledRows(double factor, Matrix c, Matrix x, Matrix y) {
    for (int r = 0, i = 0; r < x.rows(); r++) {
      float scale = (float) (factor * c.doubles()[c.offset() + r]);
      for (int end = i + x.columns(); i < end; i++) {
        int at = y.offset() + i;
        y.floats()[at] = Math.fma(scale, x.floats()[x.offset() + i], y.floats()[at]);
      }
    }
  }

  @Override
  public void normaliseRows(Matrix v, Matrix g, Matrix w) {
    int width = v.columns();
    for (int r = 0; r < v.rows(); r++) {
      int from = v.offset() + r * v.stride();
      int to = w.offset() + r * width;
      float scale = (float) (g.floats()[g.offset() + r] / norm(v.floats(), from, width));
      for (int c = 0; c < width; c++) {
        w.floats()[to + c] = scale * v.floats()[from + c];
      }
    }
  }

  @Override
  public void pullBackNormalisedRows(
      Matrix v, Matrix g, Matrix wBar, Matrix vBar, Matrix gBar, int from) {
    int width = v.columns();
    for (int r = 0; r < wBar.rows(); r++) {
      int at = v.offset() + (from + r) * v.stride();
      int barAt = vBar.offset() + (from + r) * vBar.stride();
      int productAt = wBar.offset() + r * width;
      double norm = norm(v.floats(), at, width);
      double dot = dot(wBar.floats(), productAt, v.floats(), at, width) / norm;
      float along = (float) (dot / norm);
      float scale = (float) (g.floats()[g.offset() + from + r] / norm);
      for (int c = 0; c < width; c++) {
        float across = Math.fma(-along, v.floats()[at + c], wBar.floats()[productAt + c]);
        vBar.floats()[barAt + c] = Math.fma(scale, across, vBar.floats()[barAt + c]);
      }
      gBar.floats()[gBar.offset() + from + r] += (float) dot;
    }
  }

  @Override
  public void addMatrix(boolean transpose, double factor, Matrix a, Matrix sum) {
    float scale = (float) factor;
    int down = transpose ? 1 : a.stride(); // from an element of a to that of the next row of sum
    int across = transpose ? a.stride() : 1;
    for (int r = 0; r < sum.rows(); r += TILE) { // tiles stay in the first cache
      for (int c = 0; c < sum.columns(); c += TILE) {
        int end = Math.min(TILE, sum.columns() - c);
        for (int i = r; i < Math.min(r + TILE, sum.rows()); i++) {
          int from = a.offset() + i * down + c * across;
          int to = sum.offset() + i * sum.stride() + c;
          for (int j = 0; j < end; j++) {
            sum.floats()[to + j] = Math.fma(scale, a.floats()[from + j * across], sum.floats()[to + j]);
          }
        }
      }
    }
  }

  @Override
  public void solveTriangularRows(boolean upper, Matrix w, Matrix rows) {
    int n = w.columns();
    float[] weights = w.floats();
    float[] x = rows.floats();
    for (int r = 0; r < rows.rows(); r++) {
      int at = rows.offset() + r * rows.stride();
      for (int step = 0; step < n; step++) {
        int i = upper ? n - 1 - step : step;
        int known = upper ? i + 1 : 0;
        int row = w.offset() + i * w.stride();
        double sum = dot(weights, row + known, x, at + known, step);
        x[at + i] = (float) ((x[at + i] - sum) / weights[row + i]);
      }
    }
  }

  private static double norm(float[] row, int from, int width) {
    return Math.sqrt(dot(row, from, row, from, width));
  }

  /** Element (i, j), j at least i, of U. */
  private static float upper(Matrix factors, Matrix signs, int i, int j) {
    float value = factors.floats()[factors.offset() + i * factors.stride() + j];
    return i == j ? signs.floats()[signs.offset() + i] * FloatPolynomials.exp(value) : value;
  }

  private static int row(Matrix permutation, int i) {
    return (int) permutation.floats()[permutation.offset() + i];
  }

  @Override
  public void multiplyLu(Matrix factors, Matrix permutation, Matrix signs, Matrix w) {
    int n = w.columns();
    for (int i = 0; i < n; i++) {
      int to = w.offset() + row(permutation, i) * n;
      int lower = factors.offset() + i * factors.stride();
      for (int j = 0; j < n; j++) {
        float sum = i <= j ? upper(factors, signs, i, j) : 0f;
        for (int k = 0; k <= Math.min(i - 1, j); k++) {
          sum = Math.fma(factors.floats()[lower + k], upper(factors, signs, k, j), sum);
        }
        w.floats()[to + j] = sum;
      }
    }
  }

  @Override
  public void pullBackLu(
      Matrix factors,
      Matrix permutation,
      Matrix signs,
      Matrix wBar,
      Matrix factorsBar,
      int from,
      int to) {
    int n = wBar.columns();
    for (int i = from; i < to; i++) {
      int own = wBar.offset() + row(permutation, i) * n;
      int target = factorsBar.offset() + i * factorsBar.stride();
      for (int j = 0; j < i; j++) { // w = P L U   L̄ = Pᵀ w̄ Uᵀ
        float sum = 0f;
        for (int k = j; k < n; k++) {
          sum = Math.fma(wBar.floats()[own + k], upper(factors, signs, j, k), sum);
        }
        factorsBar.floats()[target + j] += sum;
      }
      for (int j = i; j < n; j++) { // w = P L U   Ū = Lᵀ Pᵀ w̄
        float sum = wBar.floats()[own + j];
        for (int k = i + 1; k < n; k++) {
          float lower = factors.floats()[factors.offset() + k * factors.stride() + i];
          sum = Math.fma(lower, wBar.floats()[wBar.offset() + row(permutation, k) * n + j], sum);
        }
        factorsBar.floats()[target + j] += i == j ? sum * upper(factors, signs, i, i) : sum;
      }
    }
  }

  @Override
  public void solveLu(Matrix factors, Matrix permutation, Matrix signs, Matrix y, Matrix x) {
    int n = y.columns();
    for (int r = 0; r < y.rows(); r++) {
      int from = y.offset() + r * n;
      int to = x.offset() + r * n;
      for (int i = 0; i < n; i++) { // L u = Pᵀ y
        float sum = y.floats()[from + row(permutation, i)];
        int lower = factors.offset() + i * factors.stride();
        for (int k = 0; k < i; k++) {
          sum = Math.fma(-factors.floats()[lower + k], x.floats()[to + k], sum);
        }
        x.floats()[to + i] = sum;
      }
      for (int i = n - 1; i >= 0; i--) { // U x = u
        float sum = x.floats()[to + i];
        for (int k = i + 1; k < n; k++) {
          sum = Math.fma(-upper(factors, signs, i, k), x.floats()[to + k], sum);
        }
        x.floats()[to + i] = sum / upper(factors, signs, i, i);
      }
    }
  }
}
