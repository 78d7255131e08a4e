package org.ebflow.linalg.simd;

import static jdk.incubator.vector.FloatVector.broadcast;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.SmoothLeakyReluKernels;
import org.ebflow.linalg.reference.DoublePolynomials;
import org.ebflow.linalg.reference.FloatSmoothLeakyRelu;
import org.jspecify.annotations.Nullable;

/**
 * Smooth leaky ReLU in float32 vectors. A row is passed over several times while it lies in the
 * first cache, since the compiler inlines only so many vector operations into one loop.
 *
 * <p>Numerics: Σ log f' of a row is the logarithm of the product of its f', whose powers of two are
 * taken out and summed after every factor; first- and second-order log-determinants sum per lane in
 * float32, then over lanes in float64. Meant for 1e-30 &lt; a and a + b &lt; 1e30.
 */
public final class FloatVectorSmoothLeakyRelu implements SmoothLeakyReluKernels {
  private static final int LANES = SPECIES.length();

  @Override
  public void value(double a, double b, Matrix x, Matrix y, Matrix sigmoid, Matrix logDet) {
    double[] sums = logDet.doubles();
    int width = x.columns();
    for (int r = 0; r < x.rows(); r++) {
      int at = r * width;
      sums[logDet.offset() + r] +=
          value(
              (float) a,
              (float) b,
              x.floats(),
              x.offset() + at,
              y.floats(),
              y.offset() + at,
              sigmoid.floats(),
              sigmoid.offset() + at,
              width);
    }
  }

  private static double value(
      float a, float b, float[] xs, int xAt, float[] ys, int yAt, float[] qs, int qAt, int width) {
    int bound = SPECIES.loopBound(width);
    double sum = 0;
    if (bound > 0) {
      FloatVectorPolynomials.expOfNegative(1f, xs, xAt, qs, qAt, bound);
      FloatVectorPolynomials.log1p(qs, qAt, ys, yAt, bound);
      valueAndSigmoid(a, b, xs, xAt, ys, yAt, qs, qAt, bound);
      sum = FloatVectorBits.sumOfLogs(a, b, qs, qAt, bound);
    }
    int i = bound;
    for (; i < width; i++) {
      float q = FloatSmoothLeakyRelu.value(a, b, xs, xAt + i, ys, yAt + i);
      qs[qAt + i] = q;
      sum += DoublePolynomials.log(FloatSmoothLeakyRelu.f1(a, b, q));
    }
    return sum;
  }

  /**
   * Overwrites e = exp(-|x|), which lies in q, with sigmoid(x), and log(1 + e), which lies in y,
   * with f(x).
   */
  private static void valueAndSigmoid(
      float a, float b, float[] xs, int xAt, float[] ys, int yAt, float[] qs, int qAt, int bound) {
    for (int i = 0; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector e = FloatVector.fromArray(SPECIES, qs, qAt + i);
      VectorMask<Float> right = x.compare(VectorOperators.GE, 0f);
      FloatVector softplus =
          broadcast(SPECIES, 0f).blend(x, right).add(FloatVector.fromArray(SPECIES, ys, yAt + i));
      x.fma(broadcast(SPECIES, a), softplus.mul(b)).intoArray(ys, yAt + i);
      e.blend(1f, right).div(e.add(1f)).intoArray(qs, qAt + i);
    }
  }

  @Override
  public void tangent(double a, double b, Matrix sigmoid, Matrix x1, Matrix y1, Matrix logDet1) {
    double[] sums = logDet1.doubles();
    int width = x1.columns();
    for (int r = 0; r < x1.rows(); r++) {
      int at = r * width;
      sums[logDet1.offset() + r] +=
          tangent(
              (float) a,
              (float) b,
              sigmoid.floats(),
              sigmoid.offset() + at,
              x1.floats(),
              x1.offset() + at,
              y1.floats(),
              y1.offset() + at,
              width);
    }
  }

  private static double tangent(
      float a,
      float b,
      float[] qs,
      int qAt,
      float[] x1s,
      int x1At,
      float[] y1s,
      int y1At,
      int width) {
    FloatVector sums = broadcast(SPECIES, 0f);
    int bound = SPECIES.loopBound(width);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, qs, qAt + i);
      FloatVector x1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector f1 = q.fma(broadcast(SPECIES, b), broadcast(SPECIES, a));
      f1.mul(x1).intoArray(y1s, y1At + i);
      sums =
          q.mul(broadcast(SPECIES, 1f).sub(q))
              .mul(b)
              .mul(broadcast(SPECIES, 1f).div(f1))
              .fma(x1, sums);
    }
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) {
      sum += sums.lane(lane);
    }
    for (; i < width; i++) {
      float q = qs[qAt + i];
      float x1 = x1s[x1At + i];
      y1s[y1At + i] = FloatSmoothLeakyRelu.f1(a, b, q) * x1;
      sum += (double) FloatSmoothLeakyRelu.h1(a, b, q) * x1;
    }
    return sum;
  }

  @Override
  public void second(
      double a, double b, Matrix sigmoid, Matrix x1, Matrix x2, Matrix y2, Matrix logDet2) {
    double[] sums = logDet2.doubles();
    int width = x1.columns();
    for (int r = 0; r < x1.rows(); r++) {
      int at = r * width;
      sums[logDet2.offset() + r] +=
          second(
              (float) a,
              (float) b,
              sigmoid.floats(),
              sigmoid.offset() + at,
              x1.floats(),
              x1.offset() + at,
              x2.floats(),
              x2.offset() + at,
              y2.floats(),
              y2.offset() + at,
              width);
    }
  }

  private static double second(
      float a,
      float b,
      float[] qs,
      int qAt,
      float[] x1s,
      int x1At,
      float[] x2s,
      int x2At,
      float[] y2s,
      int y2At,
      int width) {
    FloatVector sums = broadcast(SPECIES, 0f);
    int bound = SPECIES.loopBound(width);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, qs, qAt + i);
      FloatVector x1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector x2 = FloatVector.fromArray(SPECIES, x2s, x2At + i);
      FloatVector f1 = q.fma(broadcast(SPECIES, b), broadcast(SPECIES, a));
      FloatVector f2 = q.mul(broadcast(SPECIES, 1f).sub(q)).mul(b);
      f2.mul(x1).fma(x1, f1.mul(x2)).intoArray(y2s, y2At + i);
      FloatVector inverse = broadcast(SPECIES, 1f).div(f1);
      FloatVector h1 = f2.mul(inverse);
      FloatVector h2 =
          h1.neg()
              .fma(h1, f2.mul(q.fma(broadcast(SPECIES, -2f), broadcast(SPECIES, 1f))).mul(inverse));
      sums = sums.add(h2.mul(x1).fma(x1, h1.mul(x2)));
    }
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) {
      sum += sums.lane(lane);
    }
    for (; i < width; i++) {
      sum +=
          FloatSmoothLeakyRelu.second(
              a, b, qs[qAt + i], x1s[x1At + i], x2s[x2At + i], y2s, y2At + i);
    }
    return sum;
  }

  @Override
  public void pullBack0(double a, double b, Matrix sigmoid, Matrix yBar0, Matrix c0, Matrix xBar0) {
    int width = xBar0.columns();
    for (int r = 0; r < xBar0.rows(); r++) {
      int at = r * width;
      pullBack0(
          (float) a,
          (float) b,
          sigmoid.floats(),
          sigmoid.offset() + at,
          yBar0.floats(),
          yBar0.offset() + at,
          (float) c0.doubles()[c0.offset() + r],
          xBar0.floats(),
          xBar0.offset() + at,
          width);
    }
  }

  private static void pullBack0(
      float a,
      float b,
      float[] qs,
      int qAt,
      float[] y0s,
      int y0At,
      float c0,
      float[] x0s,
      int x0At,
      int width) {
    int bound = SPECIES.loopBound(width);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, qs, qAt + i);
      FloatVector y0 = FloatVector.fromArray(SPECIES, y0s, y0At + i);
      FloatVector f1 = q.fma(broadcast(SPECIES, b), broadcast(SPECIES, a));
      f1.fma(
              y0,
              q.mul(broadcast(SPECIES, 1f).sub(q))
                  .mul(b)
                  .mul(broadcast(SPECIES, 1f).div(f1))
                  .mul(c0))
          .intoArray(x0s, x0At + i);
    }
    for (; i < width; i++) {
      x0s[x0At + i] = FloatSmoothLeakyRelu.top(a, b, qs[qAt + i], y0s[y0At + i], c0);
    }
  }

  @Override
  public void pullBack1(
      double a,
      double b,
      Matrix sigmoid,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix c0,
      Matrix c1,
      Matrix xBar0,
      @Nullable Matrix xBar1) {
    int width = x1.columns();
    if (xBar1 != null) {
      for (int r = 0; r < x1.rows(); r++) {
        int at = r * width;
        float top = (float) c1.doubles()[c1.offset() + r];
        pullBack0(
            (float) a,
            (float) b,
            sigmoid.floats(),
            sigmoid.offset() + at,
            yBar1.floats(),
            yBar1.offset() + at,
            top,
            xBar1.floats(),
            xBar1.offset() + at,
            width);
      }
    }
    for (int r = 0; r < x1.rows(); r++) {
      int at = r * width;
      pullBack1(
          (float) a,
          (float) b,
          sigmoid.floats(),
          sigmoid.offset() + at,
          1f,
          x1.floats(),
          x1.offset() + at,
          yBar0.floats(),
          yBar0.offset() + at,
          yBar1.floats(),
          yBar1.offset() + at,
          (float) c0.doubles()[c0.offset() + r],
          (float) c1.doubles()[c1.offset() + r],
          xBar0.floats(),
          xBar0.offset() + at,
          width);
    }
  }

  private static void pullBack1(
      float a,
      float b,
      float[] qs,
      int qAt,
      float factor,
      float[] x1s,
      int x1At,
      float[] y0s,
      int y0At,
      float[] y1s,
      int y1At,
      float c0,
      float c1,
      float[] x0Bars,
      int x0BarAt,
      int width) {
    int bound = SPECIES.loopBound(width);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, qs, qAt + i);
      FloatVector x1 = FloatVector.fromArray(SPECIES, x1s, x1At + i).mul(factor);
      FloatVector y0 = FloatVector.fromArray(SPECIES, y0s, y0At + i);
      FloatVector y1 = FloatVector.fromArray(SPECIES, y1s, y1At + i);
      FloatVector f1 = q.fma(broadcast(SPECIES, b), broadcast(SPECIES, a));
      FloatVector f2 = q.mul(broadcast(SPECIES, 1f).sub(q)).mul(b);
      FloatVector inverse = broadcast(SPECIES, 1f).div(f1);
      FloatVector h1 = f2.mul(inverse);
      FloatVector h2 =
          h1.neg()
              .fma(h1, f2.mul(q.fma(broadcast(SPECIES, -2f), broadcast(SPECIES, 1f))).mul(inverse));
      FloatVector top = f1.fma(y0, h1.mul(c0));
      x1.fma(f2.fma(y1, h2.mul(c1)), top).intoArray(x0Bars, x0BarAt + i);
    }
    for (; i < width; i++) {
      float q = qs[qAt + i];
      x0Bars[x0BarAt + i] =
          FloatSmoothLeakyRelu.first(
              a, b, q, factor * x1s[x1At + i], y0s[y0At + i], y1s[y1At + i], c0, c1);
    }
  }

  @Override
  public void pullBack2(
      double a,
      double b,
      Matrix sigmoid,
      Matrix x1,
      Matrix x2,
      Matrix yBar0,
      Matrix yBar1,
      Matrix yBar2,
      Matrix c0,
      Matrix c1,
      Matrix c2,
      Matrix xBar0,
      Matrix xBar1,
      @Nullable Matrix xBar2) {
    int width = x1.columns();
    for (int r = 0; r < x1.rows(); r++) {
      int at = r * width;
      float d1 = (float) c1.doubles()[c1.offset() + r];
      float d2 = (float) c2.doubles()[c2.offset() + r];
      pullBack2(
          (float) a,
          (float) b,
          sigmoid.floats(),
          sigmoid.offset() + at,
          x1.floats(),
          x1.offset() + at,
          x2.floats(),
          x2.offset() + at,
          yBar0.floats(),
          yBar0.offset() + at,
          yBar1.floats(),
          yBar1.offset() + at,
          yBar2.floats(),
          yBar2.offset() + at,
          (float) c0.doubles()[c0.offset() + r],
          d1,
          d2,
          xBar0.floats(),
          xBar0.offset() + at,
          width);
      pullBack1(
          (float) a,
          (float) b,
          sigmoid.floats(),
          sigmoid.offset() + at,
          2f,
          x1.floats(),
          x1.offset() + at,
          yBar1.floats(),
          yBar1.offset() + at,
          yBar2.floats(),
          yBar2.offset() + at,
          d1,
          d2,
          xBar1.floats(),
          xBar1.offset() + at,
          width);
      if (xBar2 != null) {
        pullBack0(
            (float) a,
            (float) b,
            sigmoid.floats(),
            sigmoid.offset() + at,
            yBar2.floats(),
            yBar2.offset() + at,
            d2,
            xBar2.floats(),
            xBar2.offset() + at,
            width);
      }
    }
  }

  private static void pullBack2(
      float a,
      float b,
      float[] qs,
      int qAt,
      float[] x1s,
      int x1At,
      float[] x2s,
      int x2At,
      float[] y0s,
      int y0At,
      float[] y1s,
      int y1At,
      float[] y2s,
      int y2At,
      float c0,
      float c1,
      float c2,
      float[] x0Bars,
      int x0BarAt,
      int width) {
    int bound = SPECIES.loopBound(width);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, qs, qAt + i);
      FloatVector x1 = FloatVector.fromArray(SPECIES, x1s, x1At + i);
      FloatVector x2 = FloatVector.fromArray(SPECIES, x2s, x2At + i);
      FloatVector y0 = FloatVector.fromArray(SPECIES, y0s, y0At + i);
      FloatVector y1 = FloatVector.fromArray(SPECIES, y1s, y1At + i);
      FloatVector y2 = FloatVector.fromArray(SPECIES, y2s, y2At + i);
      FloatVector f1 = q.fma(broadcast(SPECIES, b), broadcast(SPECIES, a));
      FloatVector f2 = q.mul(broadcast(SPECIES, 1f).sub(q)).mul(b);
      FloatVector f3 = f2.mul(q.fma(broadcast(SPECIES, -2f), broadcast(SPECIES, 1f)));
      FloatVector inverse = broadcast(SPECIES, 1f).div(f1);
      FloatVector h1 = f2.mul(inverse);
      FloatVector g = f3.mul(inverse);
      FloatVector h2 = h1.neg().fma(h1, g);
      FloatVector h3 =
          h1.neg()
              .fma(
                  g.fma(broadcast(SPECIES, 3f), h1.mul(h1).mul(-2f)),
                  f2.mul(
                          q.mul(broadcast(SPECIES, 1f).sub(q))
                              .fma(broadcast(SPECIES, -6f), broadcast(SPECIES, 1f)))
                      .mul(inverse));
      FloatVector lower = x1.fma(f2.fma(y1, h2.mul(c1)), f1.fma(y0, h1.mul(c0)));
      FloatVector f = f3.mul(x1).fma(x1, f2.mul(x2));
      FloatVector h = h3.mul(x1).fma(x1, h2.mul(x2));
      f.fma(y2, h.fma(broadcast(SPECIES, c2), lower)).intoArray(x0Bars, x0BarAt + i);
    }
    for (; i < width; i++) {
      float q = qs[qAt + i];
      float x1 = x1s[x1At + i];
      float y1 = y1s[y1At + i];
      float y2 = y2s[y2At + i];
      x0Bars[x0BarAt + i] =
          FloatSmoothLeakyRelu.zeroth(
              a, b, q, x1, x2s[x2At + i], y0s[y0At + i], y1, y2, c0, c1, c2);
    }
  }

  @Override
  public void inverse(double a, double b, Matrix y, Matrix x) {
    FloatVectorSmoothLeakyReluInverse.inverse(
        (float) a, (float) b, y.floats(), y.offset(), x.floats(), x.offset(), y.size());
  }
}
