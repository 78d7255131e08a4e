package org.ebflow.linalg.simd;

import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.ebflow.linalg.ActivationKernels;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/** Swish in float32 vectors: several passes over blocks that stay in the first cache. */
public final class FloatVectorSwish implements ActivationKernels {
  private static final int LANES = SPECIES.length();

  /** Elements of a block: a dozen matrices of it fill the first cache. */
  private static final int BLOCK = 512;

  /** In place of a slope that is not there; it repeats like any other. */
  private static final Matrix ONES = ones();

  private static Matrix ones() {
    float[] ones = new float[LANES];
    Arrays.fill(ones, 1f);
    return Matrix.of(ones, 1, LANES);
  }

  private static Matrix slopes(@Nullable Matrix slope) {
    return slope == null ? ONES : slope;
  }

  /** Elements per block: whole rows where the slopes fill whole vectors, else one row. */
  private static int step(Matrix slopes) {
    int period = slopes.columns();
    return period % LANES == 0 ? Math.max(period, BLOCK - BLOCK % period) : period;
  }

  @Override
  public void value(@Nullable Matrix slope, Matrix x, Matrix y, Matrix kept) {
    Matrix slopes = slopes(slope);
    int step = step(slopes);
    for (int at = 0; at < x.size(); at += step) {
      int count = Math.min(step, x.size() - at);
      argument(slopes, x, y, at, count);
      FloatVectorSigmoid.sigmoids(
          1f, y.floats(), y.offset() + at, kept.floats(), kept.offset() + at, count);
      product(
          x.floats(),
          x.offset() + at,
          kept.floats(),
          kept.offset() + at,
          y.floats(),
          y.offset() + at,
          count);
    }
  }

  /** out ← βx. */
  private static void argument(Matrix slopes, Matrix x, Matrix out, int from, int count) {
    float[] betas = slopes.floats();
    float[] xs = x.floats();
    float[] outs = out.floats();
    int betaAt = slopes.offset();
    int xAt = x.offset() + from;
    int outAt = out.offset() + from;
    int period = slopes.columns();
    int bound = SPECIES.loopBound(count);
    int column = 0;
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector beta = FloatVector.fromArray(SPECIES, betas, betaAt + column);
      FloatVector.fromArray(SPECIES, xs, xAt + i).mul(beta).intoArray(outs, outAt + i);
      column = column + LANES == period ? 0 : column + LANES;
    }
    for (; i < count; i++, column++) {
      outs[outAt + i] = betas[betaAt + column] * xs[xAt + i];
    }
  }

  private static void product(
      float[] xs, int xAt, float[] ss, int sAt, float[] ys, int yAt, int count) {
    int bound = SPECIES.loopBound(count);
    int i = 0;
    for (; i < bound; i += LANES) {
      FloatVector s = FloatVector.fromArray(SPECIES, ss, sAt + i);
      FloatVector.fromArray(SPECIES, xs, xAt + i).mul(s).intoArray(ys, yAt + i);
    }
    for (; i < count; i++) {
      ys[yAt + i] = xs[xAt + i] * ss[sAt + i];
    }
  }

  @Override
  public void tangent(@Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix y1) {
    Matrix slopes = slopes(slope);
    int step = step(slopes);
    for (int at = 0; at < x.size(); at += step) {
      FloatVectorSwishJets.top(slopes, x, kept, x1, y1, at, Math.min(step, x.size() - at));
    }
  }

  @Override
  public void second(
      @Nullable Matrix slope, Matrix x, Matrix kept, Matrix x1, Matrix x2, Matrix y2) {
    Matrix slopes = slopes(slope);
    int step = step(slopes);
    for (int at = 0; at < x.size(); at += step) {
      FloatVectorSwishJets.second(slopes, x, kept, x1, x2, y2, at, Math.min(step, x.size() - at));
    }
  }

  @Override
  public void pullBack0(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix yBar0,
      Matrix xBar0,
      @Nullable Matrix slopeBar) {
    Matrix slopes = slopes(slope);
    int step = step(slopes);
    for (int at = 0; at < x.size(); at += step) {
      int count = Math.min(step, x.size() - at);
      if (slopeBar != null) {
        FloatVectorSwishSlopes.order0(x, kept, yBar0, slopeBar, at, count);
      }
      FloatVectorSwishJets.top(slopes, x, kept, yBar0, xBar0, at, count);
    }
  }

  @Override
  public void pullBack1(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix x1,
      Matrix yBar0,
      Matrix yBar1,
      Matrix xBar0,
      @Nullable Matrix xBar1,
      @Nullable Matrix slopeBar) {
    Matrix slopes = slopes(slope);
    int step = step(slopes);
    for (int at = 0; at < x.size(); at += step) {
      int count = Math.min(step, x.size() - at);
      if (slopeBar != null) {
        FloatVectorSwishSlopes.order1(slopes, x, kept, x1, yBar0, yBar1, slopeBar, at, count);
      }
      FloatVectorSwishJets.first(slopes, x, kept, 1f, x1, yBar0, yBar1, xBar0, at, count);
      if (xBar1 != null) {
        FloatVectorSwishJets.top(slopes, x, kept, yBar1, xBar1, at, count);
      }
    }
  }

  @Override
  public void pullBack2(
      @Nullable Matrix slope,
      Matrix x,
      Matrix kept,
      Matrix x1,
      Matrix x2,
      Matrix yBar0,
      Matrix yBar1,
      Matrix yBar2,
      Matrix xBar0,
      Matrix xBar1,
      @Nullable Matrix xBar2,
      @Nullable Matrix slopeBar) {
    Matrix slopes = slopes(slope);
    int step = step(slopes);
    for (int at = 0; at < x.size(); at += step) {
      int count = Math.min(step, x.size() - at);
      if (slopeBar != null) {
        FloatVectorSwishSlopes.order2(
            slopes, x, kept, x1, x2, yBar0, yBar1, yBar2, slopeBar, at, count);
      }
      FloatVectorSwishJets.zeroth(slopes, x, kept, x1, x2, yBar0, yBar1, yBar2, xBar0, at, count);
      FloatVectorSwishJets.first(slopes, x, kept, 2f, x1, yBar1, yBar2, xBar1, at, count);
      if (xBar2 != null) {
        FloatVectorSwishJets.top(slopes, x, kept, yBar2, xBar2, at, count);
      }
    }
  }
}
