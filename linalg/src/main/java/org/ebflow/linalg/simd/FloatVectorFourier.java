package org.ebflow.linalg.simd;

import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.reference.FloatFourier;

/**
 * Layouts of the Fourier transform in float32 vectors.
 *
 * <p>A square block of as many rows as a vector has lanes is transposed in steps: step s exchanges,
 * in every pair of rows r and r + s, the lanes that differ in bit s.
 */
public final class FloatVectorFourier extends FloatFourier {
  private static final int LANES = SPECIES.length();

  private static final VectorShuffle<Float> SWAP1 = swap(1);
  private static final VectorShuffle<Float> SWAP2 = swap(2);
  private static final VectorShuffle<Float> SWAP4 = swap(4);
  private static final VectorShuffle<Float> SWAP8 = swap(8);
  private static final VectorMask<Float> HIGH1 = high(1);
  private static final VectorMask<Float> HIGH2 = high(2);
  private static final VectorMask<Float> HIGH4 = high(4);
  private static final VectorMask<Float> HIGH8 = high(8);

  private static final ThreadLocal<float[]> BLOCK =
      ThreadLocal.withInitial(() -> new float[LANES * LANES]);

  private static VectorShuffle<Float> swap(int step) {
    return VectorShuffle.fromOp(SPECIES, lane -> (lane ^ step) % LANES);
  }

  private static VectorMask<Float> high(int step) {
    boolean[] high = new boolean[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      high[lane] = (lane & step) != 0;
    }
    return VectorMask.fromArray(SPECIES, high, 0);
  }

  @Override
  public void transpose(Matrix x, Matrix y) {
    int rows = x.rows() - x.rows() % LANES;
    int columns = x.columns() - x.columns() % LANES;
    float[] block = BLOCK.get();
    for (int c = 0; c < columns; c += LANES) {
      for (int r = 0; r < rows; r += LANES) {
        transposeBlock(
            x.floats(),
            x.offset() + r * x.stride() + c,
            x.stride(),
            block,
            y.floats(),
            y.offset() + c * y.stride() + r,
            y.stride());
      }
    }
    transpose(x, rows, x.rows(), 0, columns, y);
    transpose(x, 0, x.rows(), columns, x.columns(), y);
  }

  private static void transposeBlock(
      float[] from, int at, int stride, float[] block, float[] to, int start, int toStride) {
    if (LANES == 2) {
      exchange(from, at, stride, to, start, toStride, 1, SWAP1, HIGH1);
      return;
    }
    exchange(from, at, stride, block, 0, LANES, 1, SWAP1, HIGH1);
    if (LANES > 4) {
      exchange(block, 0, LANES, block, 0, LANES, 2, SWAP2, HIGH2);
    }
    if (LANES > 8) {
      exchange(block, 0, LANES, block, 0, LANES, 4, SWAP4, HIGH4);
    }
    if (LANES == 4) {
      exchange(block, 0, LANES, to, start, toStride, 2, SWAP2, HIGH2);
    } else if (LANES == 8) {
      exchange(block, 0, LANES, to, start, toStride, 4, SWAP4, HIGH4);
    } else {
      exchange(block, 0, LANES, to, start, toStride, 8, SWAP8, HIGH8);
    }
  }

  /** One step on a block; the two places may be the same. */
  private static void exchange(
      float[] from,
      int at,
      int stride,
      float[] to,
      int start,
      int toStride,
      int step,
      VectorShuffle<Float> swap,
      VectorMask<Float> high) {
    for (int pair = 0; pair < LANES / 2; pair++) {
      int r = pair / step * 2 * step + pair % step;
      FloatVector a = FloatVector.fromArray(SPECIES, from, at + r * stride);
      FloatVector b = FloatVector.fromArray(SPECIES, from, at + (r + step) * stride);
      a.blend(b.rearrange(swap), high).intoArray(to, start + r * toStride);
      a.rearrange(swap).blend(b, high).intoArray(to, start + (r + step) * toStride);
    }
  }

  @Override
  protected void negate(float[] from, int at, float[] to, int start, int n) {
    int i = 0;
    for (; i < SPECIES.loopBound(n); i += LANES) {
      FloatVector.fromArray(SPECIES, from, at + i).neg().intoArray(to, start + i);
    }
    super.negate(from, at + i, to, start + i, n - i);
  }

  @Override
  protected void combine(
      float[] from, int cc, int ss, int sc, int cs, float[] to, int start, int stride, int n) {
    int i = 0;
    for (; i < SPECIES.loopBound(n); i += LANES) {
      FloatVector a = FloatVector.fromArray(SPECIES, from, cc + i).mul(SCALE);
      FloatVector b = FloatVector.fromArray(SPECIES, from, ss + i).mul(SCALE);
      FloatVector c = FloatVector.fromArray(SPECIES, from, sc + i).mul(SCALE);
      FloatVector d = FloatVector.fromArray(SPECIES, from, cs + i).mul(SCALE);
      a.sub(b).intoArray(to, start + i);
      c.add(d).neg().intoArray(to, start + stride + i);
      a.add(b).intoArray(to, start + 2 * stride + i);
      c.sub(d).intoArray(to, start + 3 * stride + i);
    }
    super.combine(from, cc + i, ss + i, sc + i, cs + i, to, start + i, stride, n - i);
  }

  @Override
  protected void separate(
      float[] from, int start, int stride, float[] to, int cc, int ss, int sc, int cs, int n) {
    int i = 0;
    for (; i < SPECIES.loopBound(n); i += LANES) {
      FloatVector a = FloatVector.fromArray(SPECIES, from, start + i).mul(SCALE);
      FloatVector b = FloatVector.fromArray(SPECIES, from, start + stride + i).mul(SCALE);
      FloatVector c = FloatVector.fromArray(SPECIES, from, start + 2 * stride + i).mul(SCALE);
      FloatVector d = FloatVector.fromArray(SPECIES, from, start + 3 * stride + i).mul(SCALE);
      a.add(c).intoArray(to, cc + i);
      c.sub(a).intoArray(to, ss + i);
      d.sub(b).intoArray(to, sc + i);
      b.add(d).neg().intoArray(to, cs + i);
    }
    super.separate(from, start + i, stride, to, cc + i, ss + i, sc + i, cs + i, n - i);
  }
}
