package org.ebflow.training.data;

/**
 * Eight equally likely Gaussians of deviation ½ in the plane, their means evenly on a circle of
 * radius 4: p(x) = ⅛ Σ_k N(x; m_k, ¼ I).
 *
 * <p>Threading: immutable.
 */
public final class GaussianMixture implements Distribution {
  private static final int COMPONENTS = 8;
  private static final double DEVIATION = .5;
  private static final double RADIUS = 4;

  private final double[] meanX = new double[COMPONENTS];
  private final double[] meanY = new double[COMPONENTS];

  /** The mixture. */
  public GaussianMixture() {
    for (int k = 0; k < COMPONENTS; k++) {
      meanX[k] = RADIUS * StrictMath.cos(2 * Math.PI * k / COMPONENTS);
      meanY[k] = RADIUS * StrictMath.sin(2 * Math.PI * k / COMPONENTS);
    }
  }

  @Override
  public int dimension() {
    return 2;
  }

  @Override
  public void draw(PortableRandom draws, double[] point) {
    int k = draws.below(COMPONENTS);
    point[0] = meanX[k] + DEVIATION * draws.normal();
    point[1] = meanY[k] + DEVIATION * draws.normal();
  }

  /**
   * log p(x) in nats.
   *
   * @param point [2]
   */
  public double logDensity(double[] point) {
    Multimodal10.checkDimension("GaussianMixture", point, 2);
    double nearest = Double.POSITIVE_INFINITY;
    for (int k = 0; k < COMPONENTS; k++) {
      nearest = Math.min(nearest, squaredDistance(point, k));
    }
    double sum =
        0; // of exp(-d²/2σ²), relative to the nearest component so that it cannot underflow
    for (int k = 0; k < COMPONENTS; k++) {
      sum += StrictMath.exp((nearest - squaredDistance(point, k)) / (2 * DEVIATION * DEVIATION));
    }
    return StrictMath.log(sum / (COMPONENTS * 2 * Math.PI * DEVIATION * DEVIATION))
        - nearest / (2 * DEVIATION * DEVIATION);
  }

  private double squaredDistance(double[] point, int k) {
    double dx = point[0] - meanX[k];
    double dy = point[1] - meanY[k];
    return dx * dx + dy * dy;
  }

  @Override
  public String toString() {
    return "gaussians";
  }
}
