package org.ebflow.flow.model;

import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.flow.layer.Triangular;
import org.ebflow.flow.pass.Parameter.Initializer;

/**
 * Linear layers of one kind of weight, each followed by a smooth leaky ReLU and an activation
 * normalisation, and a linear layer at the end.
 *
 * <p>Source: Chao et al. 2023, linear-layer study. Its linear layers have no bias: the activation
 * normalisation before a layer can stand for it. It multiplies rows from the left, so that its
 * upper triangular matrices are lower triangular here.
 *
 * @param blocks how many times linear, smooth leaky ReLU, activation normalisation, 0 to 1000
 * @param weights kind of the linear layers' weights
 * @param alpha slope of the activation at -∞
 * @param init published: every weight orthogonal, of a triangular one the triangle of an orthogonal
 *     matrix; else the identity
 */
public record LinearConfig(int blocks, Weights weights, double alpha, Init init)
    implements ModelConfig {
  private static final int MOST_BLOCKS = 1000;

  /** Kind of a linear layer's weight. */
  public enum Weights {
    /** All elements. */
    FULL,
    /** Lower triangular. */
    LOWER,
    /** Upper triangular. */
    UPPER,
    /** Upper times lower triangular: {@link Triangular#luFactored}. */
    LU
  }

  /** Refuses impossible values. */
  public LinearConfig {
    if (blocks < 0 || blocks > MOST_BLOCKS) {
      throw new IllegalArgumentException("blocks is " + blocks + ", expected 0 to " + MOST_BLOCKS);
    }
    ModelConfig.requireSlope(alpha);
  }

  @Override
  public String type() {
    return "linear";
  }

  @Override
  public Flow.Builder layers(Shape input) {
    int dimension = input.size();
    Flow.Builder builder = Flow.of(input);
    for (int i = 0; i < blocks; i++) {
      builder.layer(linear(dimension)).layer(new SmoothLeakyRelu(alpha, false)).actNorm();
    }
    return builder.layer(linear(dimension));
  }

  private Layer linear(int dimension) {
    Initializer start =
        init == Init.PUBLISHED ? Initializers.orthogonal() : Initializers.scaledIdentity(1);
    return switch (weights) {
      case FULL -> new Dense(dimension, start, Initializers.constant(0));
      case LOWER -> new Triangular(dimension, false, start);
      case UPPER -> new Triangular(dimension, true, start);
      case LU -> Triangular.luFactored(dimension, start);
    };
  }
}
