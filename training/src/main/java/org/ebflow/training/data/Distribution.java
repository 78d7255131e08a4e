package org.ebflow.training.data;

/** A distribution that data are drawn from, for experiments with as many rows as one likes. */
public sealed interface Distribution permits PlaneDistribution, GaussianMixture, Multimodal10 {
  /** Values per point. */
  int dimension();

  /**
   * Independent points, a pure function of count and seed; the first rows do not depend on the
   * count.
   */
  default Dataset sample(int count, long seed) {
    if (count < 1) {
      throw new IllegalArgumentException(
          "Distribution.sample: " + count + " points, expected at least 1");
    }
    PortableRandom draws = new PortableRandom(seed);
    double[] point = new double[dimension()];
    RealsBuilder rows = new RealsBuilder(dimension());
    for (int r = 0; r < count; r++) {
      draw(draws, point);
      rows.add(point);
    }
    return Dataset.ofReals(toString(), rows);
  }

  /**
   * Draws one point.
   *
   * @param draws where the randomness comes from; advanced
   * @param point [dimension], overwritten
   */
  void draw(PortableRandom draws, double[] point);
}
