package org.ebflow.flow.model;

import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.Shape;

/**
 * Dense layers with a monotone spline between any two; starts as the identity.
 *
 * @param layers number of dense layers, 1 to 1000
 * @param intervals intervals between the first and the last knot of each spline
 * @param range the knots lie between -range and range
 * @param tails whether the outermost slopes of each spline are trained
 * @param init identity or whitening
 */
public record SplineConfig(
    int layers, int intervals, double range, MonotoneSpline.Tails tails, Init init)
    implements ModelConfig {
  private static final int MOST_LAYERS = 1000;

  /** Refuses impossible values. */
  public SplineConfig {
    if (layers < 1 || layers > MOST_LAYERS) {
      throw new IllegalArgumentException("layers is " + layers + ", expected 1 to " + MOST_LAYERS);
    }
    MonotoneSpline.check(intervals, range, tails);
    ModelConfig.requireStartAtIdentity(init);
  }

  /** Starts as the identity, without a whitening map. */
  public SplineConfig(int layers, int intervals, double range, MonotoneSpline.Tails tails) {
    this(layers, intervals, range, tails, Init.IDENTITY);
  }

  @Override
  public String type() {
    return "spline";
  }

  @Override
  public Flow.Builder layers(Shape input) {
    int dimension = input.size();
    Flow.Builder builder = Flow.of(dimension).layer(Dense.identity(dimension));
    for (int i = 1; i < layers; i++) {
      builder
          .layer(new MonotoneSpline(dimension, intervals, range, tails))
          .layer(Dense.identity(dimension));
    }
    return builder;
  }
}
