package org.ebflow.flow.layer;

import java.util.List;
import java.util.OptionalDouble;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.jspecify.annotations.Nullable;

/**
 * A layer whose Jacobian is the same at every input: its log|det| belongs to log Z and never to a
 * training step of score matching.
 */
public interface ConstantJacobian extends Layer {
  @Override
  default List<ConstantJacobian> constantParts() {
    return List.of(this);
  }

  @Override
  default boolean hasConstantJacobian() {
    return true;
  }

  /** log|det ∂y/∂x| in nats, float64. */
  double logAbsDeterminant(Parameters parameters, Blas blas);

  /**
   * Adds {@code factor}·∂ log|det|/∂θ to the sums of the layer's own parameters. Called by one
   * worker after {@link Gradients#sum}. A singular weight has no such gradient and adds nothing.
   *
   * @return log|det ∂y/∂x| in nats, -Infinity for a singular layer, from the same factorisation, in
   *     the weights' precision
   */
  default double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    return logAbsDeterminant(parameters, blas);
  }

  /**
   * Bytes of the factorisation that {@link #logAbsDeterminant} computes from and {@link Parameters}
   * keep: that of all matrices of the layer in float64, unless it overrides this.
   */
  default long factorizationBytes() {
    return parameters().stream()
        .filter(block -> block.rows() > 1)
        .mapToLong(block -> (long) block.rows() * block.columns() * Double.BYTES)
        .sum();
  }

  /**
   * The layer as y = x Wᵀ + b with a dense weight W.
   *
   * @param weight W, [D,D]
   * @param bias b, [1,D]
   */
  record AffineMap(Parameter weight, Parameter bias) {}

  /** The layer's weight and bias if it is fully connected, null for others. */
  default @Nullable AffineMap affineMap() {
    return null;
  }

  /**
   * Estimate of the Jacobian's condition number in the 1-norm, for layers whose inverse loses
   * digits by it; empty for others.
   */
  default OptionalDouble condition(Parameters parameters, Blas blas) {
    return OptionalDouble.empty();
  }
}
