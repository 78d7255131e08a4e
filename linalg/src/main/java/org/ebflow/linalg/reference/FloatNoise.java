package org.ebflow.linalg.reference;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.NoiseKernels;

/**
 * Noise in float32, element by element. The key of a row is the block of (key, row number); block j
 * of a row is that of (row key, j).
 *
 * <p>With half = ⌈width/2⌉, column c &lt; half of {@link #uniform} is word 0 of block c, other
 * columns are word 1 of block c - half; the two columns of a block in {@link #gaussian} are the
 * cosine and the sine of one Box-Muller pair. The sign of column c is bit c mod 32 of the word (c
 * mod 64)/32 of block c/64.
 */
public final class FloatNoise implements NoiseKernels {
  @Override
  public void rademacher(long key, long firstRow, Matrix out) {
    for (int r = 0; r < out.rows(); r++) {
      long rowKey = Threefry.block(key, firstRow + r);
      int at = out.offset() + r * out.columns();
      for (int c = 0; c < out.columns(); c++) {
        out.floats()[at + c] = sign(Threefry.block(rowKey, c >> 6), c);
      }
    }
  }

  /** The sign of bit {@code c mod 64}: 0 is +1. */
  public static float sign(long block, int c) {
    return (block >>> c & 1) == 0 ? 1f : -1f;
  }

  @Override
  public void uniform(long key, long firstRow, Matrix out) {
    int half = (out.columns() + 1) / 2;
    for (int r = 0; r < out.rows(); r++) {
      long rowKey = Threefry.block(key, firstRow + r);
      int at = out.offset() + r * out.columns();
      for (int c = 0; c < out.columns(); c++) {
        long block = Threefry.block(rowKey, c < half ? c : c - half);
        out.floats()[at + c] = uniform((int) (c < half ? block : block >>> 32));
      }
    }
  }

  /** The 24 highest bits as a fraction. */
  public static float uniform(int word) {
    return (float) (word >>> 8) * 0x1p-24f;
  }

  @Override
  public void gaussian(long key, long firstRow, Matrix out) {
    for (int r = 0; r < out.rows(); r++) {
      gaussian(Threefry.block(key, firstRow + r), 1f, out, r);
    }
  }

  @Override
  public void antithetic(long key, long firstRow, Matrix out) {
    for (int r = 0; r < out.rows(); r++) {
      long row = firstRow + r;
      gaussian(Threefry.block(key, row >> 1), (row & 1) == 0 ? 1f : -1f, out, r);
    }
  }

  private static void gaussian(long rowKey, float sign, Matrix out, int r) {
    int half = (out.columns() + 1) / 2;
    int at = out.offset() + r * out.columns();
    for (int c = 0; c < out.columns(); c++) {
      long block = Threefry.block(rowKey, c < half ? c : c - half);
      float radius = sign * radius(open((int) block));
      float angle = turns((int) (block >>> 32));
      out.floats()[at + c] = radius * (c < half ? cos(angle) : sin(angle));
    }
  }

  /** (word + ½)·2⁻³², the word unsigned: inside (0,1] after rounding. */
  public static float open(int word) {
    return Math.fma((float) (word >>> 16), 0x1p16f, (float) (word & 0xFFFF) + 0.5f) * 0x1p-32f;
  }

  /** √(-2 log u). */
  public static float radius(float u) {
    return (float) Math.sqrt(-2f * FloatPolynomials.log(u));
  }

  /** The word, signed, as an angle in [-½,½) turns. */
  public static float turns(int word) {
    return (float) word * 0x1p-32f;
  }

  /**
   * cos(2πt). With n the nearest quarter: ∓ sine for n = ±1, cosine for 0, -cosine for ±2, at the
   * rest of the angle.
   */
  public static float cos(float t) {
    float n = quarters(t);
    float rest = Math.fma(n, -0.25f, t);
    return Math.abs(n) == 1f
        ? -n * FloatPolynomials.sinOfTurns(rest)
        : (1f - Math.abs(n)) * FloatPolynomials.cosOfTurns(rest);
  }

  /** sin(2πt), as {@link #cos}. */
  public static float sin(float t) {
    float n = quarters(t);
    float rest = Math.fma(n, -0.25f, t);
    return Math.abs(n) == 1f
        ? n * FloatPolynomials.cosOfTurns(rest)
        : (1f - Math.abs(n)) * FloatPolynomials.sinOfTurns(rest);
  }

  private static float quarters(float t) {
    return Math.fma(4f, t, FloatPolynomials.ROUND) - FloatPolynomials.ROUND;
  }
}
