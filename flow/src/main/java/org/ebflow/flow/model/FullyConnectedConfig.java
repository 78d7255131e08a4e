package org.ebflow.flow.model;

import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;

/**
 * Dense layers with a smooth leaky ReLU between.
 *
 * <p>Source: Chao et al. 2023, section 5 (two layers).
 *
 * @param layers number of dense layers, 1 to 1000
 * @param alpha slope of the activation at -∞
 * @param residual whether the activation adds its input
 * @param init published: weights -I and biases 1; else weights I and biases 0
 */
public record FullyConnectedConfig(int layers, double alpha, boolean residual, Init init)
    implements ModelConfig {
  private static final int MOST_LAYERS = 1000;

  /** Refuses impossible values. */
  public FullyConnectedConfig {
    if (layers < 1 || layers > MOST_LAYERS) {
      throw new IllegalArgumentException("layers is " + layers + ", expected 1 to " + MOST_LAYERS);
    }
    ModelConfig.requireSlope(alpha);
  }

  /** With the published start. */
  public FullyConnectedConfig(int layers, double alpha, boolean residual) {
    this(layers, alpha, residual, Init.PUBLISHED);
  }

  @Override
  public String type() {
    return "fc";
  }

  @Override
  public Flow.Builder layers(Shape input) {
    int dimension = input.size();
    Flow.Builder builder = Flow.of(dimension).layer(dense(dimension));
    for (int i = 1; i < layers; i++) {
      builder.layer(new SmoothLeakyRelu(alpha, residual)).layer(dense(dimension));
    }
    return builder;
  }

  private Dense dense(int dimension) {
    return init == Init.PUBLISHED ? new Dense(dimension) : Dense.identity(dimension);
  }
}
