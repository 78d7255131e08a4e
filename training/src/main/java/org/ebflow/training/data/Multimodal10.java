package org.ebflow.training.data;

/**
 * The ten-dimensional multimodal distribution of the linear-layer study in Chao et al. 2023: with n
 * standard normal, y_0 = n_0 and y_i = tanh(5 n_i)·(y_{i-1} + 2^{i+1}) for i = 1 … 9.
 *
 * <p>Numerics: tanh(5n) rounds to ±1 for |n| above about 3.8; the density takes such ratios as the
 * float64 nearest to ±1 within (-1, 1), so that it is finite for every point drawn. Threading:
 * immutable.
 */
public final class Multimodal10 implements Distribution {
  private static final int DIMENSION = 10;
  private static final double STEEPNESS = 5;
  private static final double HALF_LOG_2_PI = .9189385332046727;

  @Override
  public int dimension() {
    return DIMENSION;
  }

  @Override
  public void draw(PortableRandom draws, double[] point) {
    point[0] = draws.normal();
    for (int i = 1; i < DIMENSION; i++) {
      point[i] = StrictMath.tanh(STEEPNESS * draws.normal()) * scale(point, i);
    }
  }

  private static double scale(double[] point, int i) {
    return point[i - 1] + (1 << (i + 1));
  }

  /**
   * log p(y) in nats by the inverse map, n_i = artanh(z_i)/5 with z_i = y_i / (y_{i-1} + 2^{i+1}):
   * log p(y) = Σ_i log φ(n_i) - Σ_{i≥1} (log 5 + log(1 - z_i²) + log|y_{i-1} + 2^{i+1}|); -∞
   * outside the support |z_i| ≤ 1.
   *
   * @param point [10]
   */
  public double logDensity(double[] point) {
    checkDimension("Multimodal10", point, DIMENSION);
    double sum = -point[0] * point[0] / 2 - DIMENSION * HALF_LOG_2_PI;
    for (int i = 1; i < DIMENSION; i++) {
      double scale = scale(point, i);
      double z = Math.abs(point[i] / scale);
      if (!(z <= 1)) {
        return Double.isNaN(z) ? Double.NaN : Double.NEGATIVE_INFINITY;
      }
      z = Math.min(z, Math.nextDown(1.0));
      double n = (StrictMath.log1p(z) - StrictMath.log1p(-z)) / (2 * STEEPNESS);
      sum -=
          n * n / 2
              + StrictMath.log(STEEPNESS * Math.abs(scale))
              + StrictMath.log1p(z)
              + StrictMath.log1p(-z);
    }
    return sum;
  }

  static void checkDimension(String name, double[] point, int dimension) {
    if (point.length != dimension) {
      throw new IllegalArgumentException(
          name + ".logDensity: point of " + point.length + " values, expected " + dimension);
    }
  }

  @Override
  public String toString() {
    return "multimodal10";
  }
}
