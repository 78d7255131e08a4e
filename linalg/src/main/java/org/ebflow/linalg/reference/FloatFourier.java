package org.ebflow.linalg.reference;

import java.util.Arrays;
import org.ebflow.linalg.FourierKernels;
import org.ebflow.linalg.FourierShape;
import org.ebflow.linalg.Matrix;

/**
 * Layouts of the Fourier transform in float32.
 *
 * <p>With C and S for the cosine and sine of an angle of the row y or of the column x, C(y)C(x) is
 * the product of two basis functions. e^(-i(y+x)) = (CC - SS) - i(SC + CS) and e^(-i(x-y)) = (CC +
 * SS) + i(SC - CS), with the row's function first.
 */
public class FloatFourier implements FourierKernels {
  /** Of products of two basis functions, neither of them constant. */
  protected static final float SCALE = (float) Math.sqrt(.5);

  /** Columns that are transposed at a time, a cache line. */
  private static final int BLOCK = 16;

  @Override
  public void transpose(Matrix x, Matrix y) {
    transpose(x, 0, x.rows(), 0, x.columns(), y);
  }

  /** The same for some rows and columns of x. */
  protected static void transpose(
      Matrix x, int fromRow, int toRow, int fromColumn, int toColumn, Matrix y) {
    float[] from = x.floats();
    float[] to = y.floats();
    for (int c = fromColumn; c < toColumn; c += BLOCK) {
      int count = Math.min(BLOCK, toColumn - c);
      for (int r = fromRow; r < toRow; r++) {
        int at = x.offset() + r * x.stride() + c;
        int start = y.offset() + c * y.stride() + r;
        for (int i = 0; i < count; i++) {
          to[start + i * y.stride()] = from[at + i];
        }
      }
    }
  }

  @Override
  public void combine(FourierShape shape, Matrix products, Matrix coefficients) {
    int n = products.columns();
    float[] from = products.floats();
    float[] to = coefficients.floats();
    int line = shape.columns() * n;
    int rows = shape.rows() / 2;
    int columns = shape.columns() / 2;
    int f = coefficients.offset();
    for (int x = 0; x <= columns; x++) {
      int cosine = products.offset() + x * n;
      int sine = cosine + columns * n;
      System.arraycopy(from, cosine, to, f, n);
      if (x == 0) {
        Arrays.fill(to, f + n, f + 2 * n, 0f);
      } else {
        negate(from, sine, to, f + n, n);
      }
      f += 2 * n;
      for (int y = 1; y <= rows; y++) {
        int down = y * line;
        int sineDown = (rows + y) * line;
        if (x == 0) {
          System.arraycopy(from, cosine + down, to, f, n);
          negate(from, cosine + sineDown, to, f + n, n);
          f += 2 * n;
        } else {
          combine(
              from, cosine + down, sine + sineDown, cosine + sineDown, sine + down, to, f, n, n);
          f += 4 * n;
        }
      }
    }
  }

  /** n numbers ← those at {@code at}, negated. */
  protected void negate(float[] from, int at, float[] to, int start, int n) {
    for (int i = 0; i < n; i++) {
      to[start + i] = -from[at + i];
    }
  }

  /**
   * Real and imaginary parts of the sum of two frequencies and of their difference, {@code stride}
   * numbers apart: n numbers of each.
   */
  protected void combine(
      float[] from, int cc, int ss, int sc, int cs, float[] to, int start, int stride, int n) {
    for (int i = 0; i < n; i++) {
      float a = SCALE * from[cc + i];
      float b = SCALE * from[ss + i];
      float c = SCALE * from[sc + i];
      float d = SCALE * from[cs + i];
      to[start + i] = a - b;
      to[start + stride + i] = -(c + d);
      to[start + 2 * stride + i] = a + b;
      to[start + 3 * stride + i] = c - d;
    }
  }

  @Override
  public void separate(FourierShape shape, Matrix coefficients, Matrix products) {
    int n = products.columns();
    float[] from = coefficients.floats();
    float[] to = products.floats();
    int line = shape.columns() * n;
    int rows = shape.rows() / 2;
    int columns = shape.columns() / 2;
    int f = coefficients.offset();
    for (int x = 0; x <= columns; x++) {
      int cosine = products.offset() + x * n;
      int sine = cosine + columns * n;
      System.arraycopy(from, f, to, cosine, n);
      if (x > 0) {
        negate(from, f + n, to, sine, n);
      }
      f += 2 * n;
      for (int y = 1; y <= rows; y++) {
        int down = y * line;
        int sineDown = (rows + y) * line;
        if (x == 0) {
          System.arraycopy(from, f, to, cosine + down, n);
          negate(from, f + n, to, cosine + sineDown, n);
          f += 2 * n;
        } else {
          separate(
              from, f, n, to, cosine + down, sine + sineDown, cosine + sineDown, sine + down, n);
          f += 4 * n;
        }
      }
    }
  }

  /** The transpose of {@link #combine(float[], int, int, int, int, float[], int, int, int)}. */
  protected void separate(
      float[] from, int start, int stride, float[] to, int cc, int ss, int sc, int cs, int n) {
    for (int i = 0; i < n; i++) {
      float a = SCALE * from[start + i];
      float b = SCALE * from[start + stride + i];
      float c = SCALE * from[start + 2 * stride + i];
      float d = SCALE * from[start + 3 * stride + i];
      to[cc + i] = a + c;
      to[ss + i] = c - a;
      to[sc + i] = d - b;
      to[cs + i] = -(b + d);
    }
  }
}
