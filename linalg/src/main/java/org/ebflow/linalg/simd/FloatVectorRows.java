package org.ebflow.linalg.simd;

import static jdk.incubator.vector.FloatVector.broadcast;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.reference.FloatRows;
import org.ebflow.linalg.reference.ReferenceKernels;

/** Vector arithmetic in float32 vectors. */
public final class FloatVectorRows implements RowKernels {
  private static final int LANES = SPECIES.length();

  @Override
  public void addToRows(Matrix y, Matrix bias) {
    for (int r = 0; r < y.rows(); r++) {
      int at = y.offset() + r * y.columns();
      combine(1f, y.floats(), at, 1f, bias.floats(), bias.offset(), y.floats(), at, y.columns());
    }
  }

  @Override
  public void subtractFromRows(Matrix x, Matrix bias, Matrix y) {
    for (int r = 0; r < x.rows(); r++) {
      int at = r * x.columns();
      combine(
          1f,
          x.floats(),
          x.offset() + at,
          -1f,
          bias.floats(),
          bias.offset(),
          y.floats(),
          y.offset() + at,
          x.columns());
    }
  }

  @Override
  public void combine(double a, Matrix x, double b, Matrix y, Matrix out) {
    combine(
        (float) a,
        x.floats(),
        x.offset(),
        (float) b,
        y.floats(),
        y.offset(),
        out.floats(),
        out.offset(),
        x.size());
  }

  private static void combine(
      float a,
      float[] xs,
      int xAt,
      float b,
      float[] ys,
      int yAt,
      float[] outs,
      int outAt,
      int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector y = FloatVector.fromArray(SPECIES, ys, yAt + i);
      x.fma(broadcast(SPECIES, a), y.mul(b)).intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      outs[outAt + i] = FloatRows.combine(a, xs[xAt + i], b, ys[yAt + i]);
    }
  }

  @Override
  public void scaleShiftColumns(Matrix x, Matrix scale, Matrix shift, Matrix y) {
    for (int r = 0; r < x.rows(); r++) {
      int at = r * x.columns();
      scaleShift(
          x.floats(),
          x.offset() + at,
          scale.floats(),
          scale.offset(),
          shift.floats(),
          shift.offset(),
          y.floats(),
          y.offset() + at,
          x.columns());
    }
  }

  private static void scaleShift(
      float[] xs,
      int xAt,
      float[] scales,
      int scaleAt,
      float[] shifts,
      int shiftAt,
      float[] ys,
      int yAt,
      int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector scale = FloatVector.fromArray(SPECIES, scales, scaleAt + i);
      FloatVector shift = FloatVector.fromArray(SPECIES, shifts, shiftAt + i);
      FloatVector.fromArray(SPECIES, xs, xAt + i).fma(scale, shift).intoArray(ys, yAt + i);
    }
    for (; i < count; i++) {
      ys[yAt + i] = Math.fma(xs[xAt + i], scales[scaleAt + i], shifts[shiftAt + i]);
    }
  }

  @Override
  public void scaleColumns(Matrix x, Matrix scale, Matrix y) {
    for (int r = 0; r < x.rows(); r++) {
      int at = r * x.columns();
      product(
          x.floats(),
          x.offset() + at,
          scale.floats(),
          scale.offset(),
          y.floats(),
          y.offset() + at,
          x.columns());
    }
  }

  @Override
  public void product(Matrix x, Matrix y, Matrix out) {
    product(x.floats(), x.offset(), y.floats(), y.offset(), out.floats(), out.offset(), x.size());
  }

  private static void product(
      float[] xs, int xAt, float[] ys, int yAt, float[] outs, int outAt, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector y = FloatVector.fromArray(SPECIES, ys, yAt + i);
      FloatVector.fromArray(SPECIES, xs, xAt + i).mul(y).intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      outs[outAt + i] = xs[xAt + i] * ys[yAt + i];
    }
  }

  @Override
  public void divideColumns(Matrix x, Matrix scale, Matrix y) {
    for (int r = 0; r < x.rows(); r++) {
      int at = r * x.columns();
      quotient(
          x.floats(),
          x.offset() + at,
          scale.floats(),
          scale.offset(),
          y.floats(),
          y.offset() + at,
          x.columns());
    }
  }

  private static void quotient(
      float[] xs, int xAt, float[] ys, int yAt, float[] outs, int outAt, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector y = FloatVector.fromArray(SPECIES, ys, yAt + i);
      FloatVector.fromArray(SPECIES, xs, xAt + i).div(y).intoArray(outs, outAt + i);
    }
    for (; i < count; i++) {
      outs[outAt + i] = xs[xAt + i] / ys[yAt + i];
    }
  }

  /** Of parameters, not of data: element by element. */
  @Override
  public void expNegative(Matrix x, Matrix y) {
    ReferenceKernels.of(x.precision()).rows().expNegative(x, y);
  }

  /** As {@link #expNegative}: a gather is bound by memory. */
  @Override
  public void gatherColumns(Matrix x, int[] source, Matrix y) {
    ReferenceKernels.of(x.precision()).rows().gatherColumns(x, source, y);
  }

  /** As {@link #expNegative}. */
  @Override
  public void scatterColumns(Matrix x, int[] target, Matrix y) {
    ReferenceKernels.of(x.precision()).rows().scatterColumns(x, target, y);
  }

  /** As {@link #expNegative}. */
  @Override
  public void solveTriangularRows(boolean upper, Matrix w, Matrix rows) {
    ReferenceKernels.of(w.precision()).rows().solveTriangularRows(upper, w, rows);
  }

  /** As {@link #expNegative}. */
  @Override
  public void addMatrix(boolean transpose, double factor, Matrix a, Matrix sum) {
    ReferenceKernels.of(a.precision()).rows().addMatrix(transpose, factor, a, sum);
  }

  /** As {@link #expNegative}. */
  @Override
  public void normaliseRows(Matrix v, Matrix g, Matrix w) {
    ReferenceKernels.of(v.precision()).rows().normaliseRows(v, g, w);
  }

  /** As {@link #expNegative}. */
  @Override
  public void pullBackNormalisedRows(
      Matrix v, Matrix g, Matrix wBar, Matrix vBar, Matrix gBar, int from) {
    ReferenceKernels.of(v.precision()).rows().pullBackNormalisedRows(v, g, wBar, vBar, gBar, from);
  }

  /** As {@link #expNegative}. */
  @Override
  public void multiplyLu(Matrix factors, Matrix permutation, Matrix signs, Matrix w) {
    ReferenceKernels.of(w.precision()).rows().multiplyLu(factors, permutation, signs, w);
  }

  /** As {@link #expNegative}. */
  @Override
  public void pullBackLu(
      Matrix factors,
      Matrix permutation,
      Matrix signs,
      Matrix wBar,
      Matrix factorsBar,
      int from,
      int to) {
    ReferenceKernels.of(wBar.precision())
        .rows()
        .pullBackLu(factors, permutation, signs, wBar, factorsBar, from, to);
  }

  /** As {@link #expNegative}: for samples, not for training. */
  @Override
  public void solveLu(Matrix factors, Matrix permutation, Matrix signs, Matrix y, Matrix x) {
    ReferenceKernels.of(y.precision()).rows().solveLu(factors, permutation, signs, y, x);
  }

  @Override
  public void addColumnSums(double factor, Matrix x, Matrix sums, int from, int to) {
    addColumnSums(
        (float) factor,
        x.floats(),
        x.offset() + from,
        x.rows(),
        x.columns(),
        sums.floats(),
        sums.offset() + from,
        to - from);
  }

  /** Four vectors of columns go down the rows together: a line of cache is read once. */
  private static void addColumnSums(
      float factor, float[] xs, int xAt, int rows, int stride, float[] sums, int sumAt, int count) {
    int c = 0;
    for (; c <= count - 4 * LANES; c += 4 * LANES) {
      FloatVector s0 = broadcast(SPECIES, 0f);
      FloatVector s1 = broadcast(SPECIES, 0f);
      FloatVector s2 = broadcast(SPECIES, 0f);
      FloatVector s3 = broadcast(SPECIES, 0f);
      for (int r = 0; r < rows; r++) {
        int at = xAt + r * stride + c;
        s0 = s0.add(FloatVector.fromArray(SPECIES, xs, at));
        s1 = s1.add(FloatVector.fromArray(SPECIES, xs, at + LANES));
        s2 = s2.add(FloatVector.fromArray(SPECIES, xs, at + 2 * LANES));
        s3 = s3.add(FloatVector.fromArray(SPECIES, xs, at + 3 * LANES));
      }
      s0.fma(broadcast(SPECIES, factor), FloatVector.fromArray(SPECIES, sums, sumAt + c))
          .intoArray(sums, sumAt + c);
      int next = sumAt + c + LANES;
      s1.fma(broadcast(SPECIES, factor), FloatVector.fromArray(SPECIES, sums, next))
          .intoArray(sums, next);
      next += LANES;
      s2.fma(broadcast(SPECIES, factor), FloatVector.fromArray(SPECIES, sums, next))
          .intoArray(sums, next);
      next += LANES;
      s3.fma(broadcast(SPECIES, factor), FloatVector.fromArray(SPECIES, sums, next))
          .intoArray(sums, next);
    }
    for (; c < count; c++) {
      float sum = 0f;
      for (int r = 0; r < rows; r++) {
        sum += xs[xAt + r * stride + c];
      }
      sums[sumAt + c] = Math.fma(factor, sum, sums[sumAt + c]);
    }
  }

  @Override
  public void addRowDots(double factor, Matrix x, Matrix y, Matrix dots) {
    for (int r = 0; r < x.rows(); r++) {
      int at = r * x.columns();
      double sum =
          FloatVectorBits.dot(
              x.floats(), x.offset() + at, y.floats(), y.offset() + at, x.columns());
      dots.doubles()[dots.offset() + r] += factor * sum;
    }
  }

  @Override
  public void scaleRows(double factor, Matrix c, Matrix x, Matrix y) {
    for (int r = 0; r < x.rows(); r++) {
      float scale = (float) (factor * c.doubles()[c.offset() + r]);
      int at = r * x.columns();
      scale(scale, x.floats(), x.offset() + at, y.floats(), y.offset() + at, x.columns());
    }
  }

  private static void scale(float factor, float[] xs, int xAt, float[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector.fromArray(SPECIES, xs, xAt + i).mul(factor).intoArray(ys, yAt + i);
    }
    for (; i < count; i++) {
      ys[yAt + i] = factor * xs[xAt + i];
    }
  }

  @Override
  public void addScaledRows(double factor, Matrix c, Matrix x, Matrix y) {
    for (int r = 0; r < x.rows(); r++) {
      float scale = (float) (factor * c.doubles()[c.offset() + r]);
      int at = r * x.columns();
      addScaled(scale, x.floats(), x.offset() + at, y.floats(), y.offset() + at, x.columns());
    }
  }

  private static void addScaled(float factor, float[] xs, int xAt, float[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector y = FloatVector.fromArray(SPECIES, ys, yAt + i);
      FloatVector.fromArray(SPECIES, xs, xAt + i)
          .fma(broadcast(SPECIES, factor), y)
          .intoArray(ys, yAt + i);
    }
    for (; i < count; i++) {
      ys[yAt + i] = Math.fma(factor, xs[xAt + i], ys[yAt + i]);
    }
  }
}
