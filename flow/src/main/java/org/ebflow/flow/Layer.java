package org.ebflow.flow;

import java.util.List;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * One bijection of a flow: pushes jets forward, pulls their cotangents back, inverts.
 *
 * <p>A layer holds shapes and {@link Parameter}s only. What forward keeps for backward lies in the
 * {@link Workspace}; the weights are looked up there. So a layer is immutable and may be used by
 * any number of threads.
 *
 * <p>Every method works on the rows of one worker: {@link Jet#stream}. Rows do not depend on each
 * other. Rules for jets: docs/derivations/jets.md.
 */
public interface Layer {
  /** The layer's weights, in a fixed order; empty when it has none. */
  default List<Parameter> parameters() {
    return List.of();
  }

  /** Numbers per row that it takes, 0 when it takes any. */
  default int dimension() {
    return 0;
  }

  /**
   * Whether the Jacobian is the same at every input: then its log|det| belongs to log Z and never
   * to a training step.
   */
  boolean constantJacobian();

  /**
   * log|det ∂y/∂x| in nats, float64, of a layer whose Jacobian is constant.
   *
   * @throws UnsupportedOperationException for other layers
   */
  default double logAbsDeterminant(Parameters parameters, Blas blas) {
    throw new UnsupportedOperationException(this + ": the Jacobian depends on the input");
  }

  /**
   * Adds {@code factor}·∂ log|det|/∂θ to the sums of the layer's own parameters; for layers whose
   * Jacobian is constant. Called by one worker after {@link Gradients#finish}.
   *
   * @return log|det ∂y/∂x| in nats, from the same factorisation, in the weights' precision
   */
  default double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    return logAbsDeterminant(parameters, blas);
  }

  /** Sets parameters from a first batch of inputs [rows,dimension], read (ActNorm). */
  default void initialize(Matrix x, Parameters parameters) {}

  /**
   * Pushes the streams {@code fromOrder}…{@code toOrder} of a jet through the layer. Lower orders
   * were pushed before, with the same workspace.
   *
   * @param x input jet, read; it stays as it is until the backward pass is over
   * @param y output jet, the pushed streams overwritten
   * @param logDet jet of log|det ∂y/∂x| per sample in nats, accumulated into; left alone when the
   *     Jacobian is constant
   */
  void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder);

  /**
   * Pulls the cotangents of all streams of {@code yBar} back.
   *
   * @param yBar cotangents of the output streams, read; its order may be lower than that of the
   *     forward pass, then higher streams are left out of account
   * @param logDetBar cotangents of the log-determinant's jet, read
   * @param xBar cotangents of the input; streams 0…{@code toOrder} are overwritten; the highest is
   *     left alone unless asked for, it may hold the score's
   * @param toOrder highest input cotangent wanted, -1 for none
   * @param gradients accumulated into; null when only input cotangents are wanted
   */
  void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients);

  /**
   * Exact inverse.
   *
   * @param y outputs, [rows,dimension] of this worker, read
   * @param x inputs, overwritten; not the same matrix as y
   */
  void inverse(Matrix y, Matrix x, Workspace kept);
}
