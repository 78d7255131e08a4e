package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.WeightRule;
import org.ebflow.flow.pass.Workspace;
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
 * <p>Cost: 2·D² FLOP per row and order; keeps nothing but references to its input and output.
 *
 * <p>Threading: immutable.
 */
public final class Dense implements ConstantJacobian {
  static final String TYPE = "dense";

  private static final String TRAINED = "trained";

  private final Affine affine;

  /** With the published start W = -I, b = 1. */
  public Dense(int dimension) {
    this(dimension, Initializers.scaledIdentity(-1), Initializers.constant(1));
  }

  /** With the given initial values. */
  public Dense(int dimension, Initializer weight, Initializer bias) {
    this(dimension, weight, bias, true);
  }

  private Dense(int dimension, Initializer weight, Initializer bias, boolean trained) {
    affine = new Affine(dimension, dimension, weight, bias, trained);
  }

  /**
   * A layer that keeps its values: no optimizer moves it, and it has no gradients.
   *
   * @param weight W, [D,D], copied
   * @param bias b, [1,D], copied
   */
  public static Dense untrained(Matrix weight, Matrix bias) {
    return new Dense(bias.columns(), Initializers.values(weight), Initializers.values(bias), false);
  }

  /** With the start W = I, b = 0. */
  public static Dense identity(int dimension) {
    return new Dense(dimension, Initializers.scaledIdentity(1), Initializers.constant(0));
  }

  static Dense of(Description description, Shape input) {
    boolean trained = !description.has(TRAINED) || description.flag(TRAINED);
    return new Dense(
        input.size(), Initializers.scaledIdentity(-1), Initializers.constant(1), trained);
  }

  /** W, [D,D]. */
  public Parameter weight() {
    return affine.weight;
  }

  /** b, [1,D]. */
  public Parameter bias() {
    return affine.bias;
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
  public Map<String, Object> description() {
    return affine.weight.trained() ? Description.of(TYPE) : Description.of(TYPE, TRAINED, false);
  }

  @Override
  public AffineMap affineMap() {
    return new AffineMap(affine.weight, affine.bias);
  }

  @Override
  public OptionalDouble condition(Parameters parameters, Blas blas) {
    return OptionalDouble.of(parameters.lu(affine.weight, blas, Precision.FLOAT64).condition());
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    return parameters.lu(affine.weight, blas, Precision.FLOAT64).logAbsDeterminant();
  }

  @Override
  public double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    if (!gradients.wants(affine.weight)) {
      return logAbsDeterminant(parameters, blas);
    }
    Lu lu = parameters.lu(affine.weight, blas, parameters.precision());
    if (!lu.singular()) {
      lu.addInverseTransposed(factor, gradients.of(affine.weight)); // ∂ log|det W|/∂W = W⁻ᵀ
    }
    return lu.logAbsDeterminant();
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    affine.forward(x, y, kept, fromOrder, toOrder);
    kept.keep(x, y);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    WeightRule rule = gradients == null ? null : gradients.weightRule();
    if (gradients == null || rule == null || !gradients.wants(affine.weight)) {
      affine.backward(yBar, kept, xBar, toOrder, gradients);
      return;
    }
    affine.backward(yBar, kept, xBar, toOrder, null);
    gradients.addColumnSums(affine.bias, 1, yBar, 0); // y_0 += b  b̄ += Σ ȳ_0
    rule.note(affine.weight, affine.bias, yBar, toOrder >= 0 ? xBar : null, kept, gradients);
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
