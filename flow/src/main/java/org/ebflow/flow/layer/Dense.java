package org.ebflow.flow.layer;

import java.util.List;
import org.ebflow.flow.Gradients;
import org.ebflow.flow.Jet;
import org.ebflow.flow.Layer;
import org.ebflow.flow.LogDet;
import org.ebflow.flow.Parameter;
import org.ebflow.flow.Parameter.Initializer;
import org.ebflow.flow.Parameters;
import org.ebflow.flow.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Fully connected layer, y = x Wᵀ + b.
 *
 * <p>Source: Chao et al. 2023, section 4; jets: docs/derivations/dense.md.
 *
 * <p>Shapes (row-major): x [batch,D] per order, W [D,D], b [1,D], y [batch,D] per order.
 *
 * <p>Domain and inverse: all reals; invertible iff |det W| &gt; 0. log|det ∂y/∂x| = log|det W|
 * nats, the same for every x: part of log Z, never of a training step. The inverse solves by LU of
 * W in float64 and is accurate to cond(W)·ε of the weights' precision.
 *
 * <p>Cost: 2·D² FLOP per row and order; keeps nothing but a reference to its input.
 *
 * <p>Threading: immutable.
 */
public final class Dense implements Layer {
  private final Affine affine;

  /** With the published start W = -I, b = 1. */
  public Dense(int dimension) {
    this(dimension, Initializers.scaledIdentity(-1), Initializers.constant(1));
  }

  /** With initial values of one's own. */
  public Dense(int dimension, Initializer weight, Initializer bias) {
    affine = new Affine("", dimension, dimension, weight, bias);
  }

  /** W, [D,D]. */
  public Parameter weight() {
    return affine.weight;
  }

  /** b, [1,D]. */
  public Parameter bias() {
    return affine.bias;
  }

  /** A weight [D,D] and a bias [1,D]. */
  public record Values(Matrix weight, Matrix bias) {}

  /**
   * The layer followed by a rotation or reflection after which W is upper triangular: R and Qᵀb
   * with W = Q·R. ‖R x + Qᵀb‖ = ‖W x + b‖ takes half the products (docs/decisions/0009). Computed
   * in float64, rounded to the weights' precision.
   */
  public Values triangular(Parameters parameters, Blas blas) {
    int d = affine.outputs();
    Matrix both = Matrix.allocate(parameters.precision(), d, d + 1);
    both.columns(0, d).copyFrom(parameters.of(affine.weight));
    Matrix bias = parameters.of(affine.bias);
    for (int r = 0; r < d; r++) {
      both.set(r, d, bias.get(0, r));
    }
    Matrix factor = Matrix.allocate(parameters.precision(), d, d + 1);
    blas.triangularFactor(both, factor); // [W b] = Q·[R Qᵀb]
    Matrix turned = Matrix.allocate(parameters.precision(), 1, d);
    for (int r = 0; r < d; r++) {
      turned.set(0, r, factor.get(r, d));
    }
    return new Values(factor.columns(0, d), turned);
  }

  @Override
  public List<Parameter> parameters() {
    return affine.parameters();
  }

  @Override
  public int dimension() {
    return affine.outputs();
  }

  @Override
  public boolean constantJacobian() {
    return true;
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    return parameters.lu(affine.weight, blas, Precision.FLOAT64).logAbsDeterminant();
  }

  @Override
  public double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    Lu lu = parameters.lu(affine.weight, blas, parameters.precision());
    lu.addInverseTransposed(factor, gradients.of(affine.weight)); // ∂ log|det W|/∂W = W⁻ᵀ
    return lu.logAbsDeterminant();
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    affine.forward(x, y, kept, fromOrder, toOrder);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    affine.backward(yBar, kept, xBar, toOrder, gradients);
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    kept.kernels().rows().subtractFromRows(y, kept.value(affine.bias), x); // x = W⁻¹(y - b)
    kept.parameters().lu(affine.weight, kept.blas(), Precision.FLOAT64).solveRows(x);
  }

  @Override
  public String toString() {
    return "Dense(" + affine.outputs() + ")";
  }
}
