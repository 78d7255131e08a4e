package org.ebflow.linalg.simd;

import static jdk.incubator.vector.FloatVector.broadcast;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.ebflow.linalg.ElementwiseKernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.reference.DoublePolynomials;
import org.ebflow.linalg.reference.FloatElementwise;
import org.jspecify.annotations.Nullable;

/**
 * Jets from given derivatives, logit and sigmoid in float32 vectors.
 *
 * <p>Numerics: first- and second-order log-determinants sum per lane in float32, then over lanes in
 * float64.
 */
public final class FloatVectorElementwise implements ElementwiseKernels {
  private static final int LANES = SPECIES.length();

  private final RowKernels rows = new FloatVectorRows();

  private static Matrix needed(@Nullable Matrix derivative) {
    if (derivative == null) {
      throw new IllegalArgumentException(
          "elementwise: a derivative of this order is needed and missing");
    }
    return derivative;
  }

  private static float cotangent(Matrix c, int row) {
    return (float) c.doubles()[c.offset() + row];
  }

  @Override
  public void tangent(Derivatives d, Matrix x1, Matrix y1, Matrix logDet1) {
    int width = x1.columns();
    for (int r = 0; r < x1.rows(); r++) {
      logDet1.doubles()[logDet1.offset() + r] += FloatVectorJets.dot(d.h1(), x1, r * width, width);
    }
    rows.product(d.f1(), x1, y1);
  }

  @Override
  public void second(Derivatives d, Matrix x1, Matrix x2, Matrix y2, Matrix logDet2) {
    Matrix f2 = needed(d.f2());
    Matrix h2 = needed(d.h2());
    int width = x1.columns();
    for (int r = 0; r < x1.rows(); r++) {
      int at = r * width;
      logDet2.doubles()[logDet2.offset() + r] +=
          FloatVectorJets.sumOfSecond(d.h1(), h2, x1, x2, at, width);
      FloatVectorJets.second(d.f1(), f2, x1, x2, y2, at, width);
    }
  }

  @Override
  public void pullBack0(Derivatives d, Matrix yBar0, Matrix c0, Matrix xBar0) {
    int width = yBar0.columns();
    for (int r = 0; r < yBar0.rows(); r++) {
      FloatVectorJets.top(d.f1(), yBar0, d.h1(), cotangent(c0, r), xBar0, r * width, width);
    }
  }

  @Override
  public void pullBack1(
      Derivatives d,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix c0,
      Matrix c1,
      Matrix xBar0,
      @Nullable Matrix xBar1) {
    Matrix f2 = needed(d.f2());
    Matrix h2 = needed(d.h2());
    int width = x1.columns();
    for (int r = 0; r < x1.rows(); r++) {
      int at = r * width;
      float d1 = cotangent(c1, r);
      FloatVectorJets.top(d.f1(), yBar0, d.h1(), cotangent(c0, r), xBar0, at, width);
      FloatVectorJets.addFirst(f2, 1f, x1, yBar1, h2, d1, xBar0, at, width);
      if (xBar1 != null) {
        FloatVectorJets.top(d.f1(), yBar1, d.h1(), d1, xBar1, at, width);
      }
    }
  }

  @Override
  public void pullBack2(
      Derivatives d,
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
    Matrix f2 = needed(d.f2());
    Matrix f3 = needed(d.f3());
    Matrix h2 = needed(d.h2());
    Matrix h3 = needed(d.h3());
    int width = x1.columns();
    for (int r = 0; r < x1.rows(); r++) {
      int at = r * width;
      float d1 = cotangent(c1, r);
      float d2 = cotangent(c2, r);
      FloatVectorJets.top(d.f1(), yBar0, d.h1(), cotangent(c0, r), xBar0, at, width);
      FloatVectorJets.addFirst(f2, 1f, x1, yBar1, h2, d1, xBar0, at, width);
      FloatVectorJets.addSecond(h2, h3, x1, x2, d2, xBar0, at, width);
      FloatVectorJets.addSecond(f2, f3, x1, x2, yBar2, xBar0, at, width);
      FloatVectorJets.top(d.f1(), yBar1, d.h1(), d1, xBar1, at, width);
      FloatVectorJets.addFirst(f2, 2f, x1, yBar2, h2, d2, xBar1, at, width);
      if (xBar2 != null) {
        FloatVectorJets.top(d.f1(), yBar2, d.h1(), d2, xBar2, at, width);
      }
    }
  }

  /**
   * Formulas: {@link FloatElementwise#logitDerivatives}. A derivative that is not wanted goes where
   * f' is written after it.
   */
  @Override
  public void logitDerivatives(double smoothness, Matrix x, Derivatives d) {
    float inverse = (float) (1 / smoothness);
    Matrix f2 = d.f2() == null ? d.f1() : d.f2();
    Matrix f3 = d.f3() == null ? d.f1() : d.f3();
    Matrix h2 = d.h2() == null ? d.f1() : d.h2();
    Matrix h3 = d.h3() == null ? d.f1() : d.h3();
    int bound = SPECIES.loopBound(x.size());
    logitDerivatives(inverse, x, d.f1(), f2, f3, d.h1(), h2, h3, bound);
    for (int i = bound; i < x.size(); i++) {
      FloatElementwise.logitDerivatives(inverse, x, d, i);
    }
  }

  private static void logitDerivatives(
      float inverse,
      Matrix x,
      Matrix f1,
      Matrix f2,
      Matrix f3,
      Matrix h1,
      Matrix h2,
      Matrix h3,
      int bound) {
    float[] xs = x.floats();
    float[] f1s = f1.floats();
    float[] f2s = f2.floats();
    float[] f3s = f3.floats();
    float[] h1s = h1.floats();
    float[] h2s = h2.floats();
    float[] h3s = h3.floats();
    int xAt = x.offset();
    int f1At = f1.offset();
    int f2At = f2.offset();
    int f3At = f3.offset();
    int h1At = h1.offset();
    int h2At = h2.offset();
    int h3At = h3.offset();
    for (int i = 0; i < bound; i += LANES) {
      FloatVector z = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector u = broadcast(SPECIES, 1f).div(z);
      FloatVector v = broadcast(SPECIES, 1f).div(broadcast(SPECIES, 1f).sub(z));
      FloatVector first = u.add(v).mul(inverse);
      FloatVector log1 = z.fma(broadcast(SPECIES, 2f), broadcast(SPECIES, -1f)).mul(u.mul(v));
      FloatVector log2 = u.fma(u, v.mul(v));
      log1.mul(2f).mul(u.fma(v, log2)).intoArray(h3s, h3At + i);
      log2.intoArray(h2s, h2At + i);
      first.mul(2f).mul(u.neg().fma(v, log2)).intoArray(f3s, f3At + i);
      log1.mul(first).intoArray(f2s, f2At + i);
      log1.intoArray(h1s, h1At + i);
      first.intoArray(f1s, f1At + i);
    }
  }

  @Override
  public void logit(double smoothness, Matrix x, Matrix y, Matrix logDet) {
    int width = x.columns();
    double constant = width * DoublePolynomials.log(smoothness);
    for (int r = 0; r < x.rows(); r++) {
      int at = r * width;
      double sum =
          logit(
              (float) (1 / smoothness),
              x.floats(),
              x.offset() + at,
              y.floats(),
              y.offset() + at,
              width);
      logDet.doubles()[logDet.offset() + r] -= constant + sum;
    }
  }

  /** Returns Σ log(x(1-x)), by way of the products stored in y. */
  private static double logit(float inverse, float[] xs, int xAt, float[] ys, int yAt, int width) {
    int bound = SPECIES.loopBound(width);
    double sum = 0;
    if (bound > 0) {
      odds(xs, xAt, ys, yAt, bound, true);
      sum = FloatVectorBits.sumOfLogs(0f, 1f, ys, yAt, bound);
      odds(xs, xAt, ys, yAt, bound, false);
      FloatVectorPolynomials.log(inverse, ys, yAt, bound);
    }
    for (int i = bound; i < width; i++) {
      float x = xs[xAt + i];
      ys[yAt + i] = FloatElementwise.logit(inverse, x);
      sum += DoublePolynomials.log(x * (1f - x));
    }
    return sum;
  }

  /** y ← x(1-x) or x/(1-x). */
  private static void odds(float[] xs, int xAt, float[] ys, int yAt, int bound, boolean product) {
    for (int i = 0; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector rest = broadcast(SPECIES, 1f).sub(x);
      if (product) {
        x.mul(rest).intoArray(ys, yAt + i);
      } else {
        x.div(rest).intoArray(ys, yAt + i);
      }
    }
  }

  @Override
  public void sigmoid(double smoothness, Matrix x, Matrix y) {
    FloatVectorSigmoid.sigmoids(
        (float) smoothness, x.floats(), x.offset(), y.floats(), y.offset(), x.size());
  }
}
