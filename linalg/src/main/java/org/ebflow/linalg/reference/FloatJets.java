package org.ebflow.linalg.reference;

/**
 * Cotangents of one element of an elementwise layer y = f(x) with log-derivative h: the formulas of
 * docs/derivations/elementwise.md, given the derivatives f1, f2, f3 of f and h1, h2, h3 of h.
 */
public final class FloatJets {
  private FloatJets() {}

  /** y2 = f2·x1² + f1·x2, and with h in place of f the log-determinant's second order. */
  public static float second(float f1, float f2, float x1, float x2) {
    return Math.fma(f2 * x1, x1, f1 * x2);
  }

  /** f1·y + c·h1: the cotangent of the highest order's input. */
  public static float top(float f1, float y, float h1, float c) {
    return Math.fma(f1, y, c * h1);
  }

  /** f1·y0 + f2·x1·y1 + c0·h1 + c1·h2·x1. */
  public static float first(
      float f1, float f2, float x1, float y0, float y1, float h1, float h2, float c0, float c1) {
    return Math.fma(x1, Math.fma(f2, y1, c1 * h2), top(f1, y0, h1, c0));
  }

  /** {@link #first} + (f3·x1² + f2·x2)·y2 + c2·(h3·x1² + h2·x2). */
  public static float zeroth(
      float f1,
      float f2,
      float f3,
      float x1,
      float x2,
      float y0,
      float y1,
      float y2,
      float h1,
      float h2,
      float h3,
      float c0,
      float c1,
      float c2) {
    float lower = first(f1, f2, x1, y0, y1, h1, h2, c0, c1);
    return Math.fma(second(f2, f3, x1, x2), y2, Math.fma(second(h2, h3, x1, x2), c2, lower));
  }
}
