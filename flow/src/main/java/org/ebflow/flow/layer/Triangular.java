package org.ebflow.flow.layer;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Reparameterization;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Linear layer with a triangular weight, y = x Wᵀ + b: upper triangular, W_rc = 0 for c &lt; r, or
 * lower triangular.
 *
 * <p>Source: Chao et al. 2023, linear-layer study; jets: docs/derivations/dense.md.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order, W [D,D] of which D(D+1)/2 are weights, b [1,D].
 * The other triangle is zero whenever the weights have changed, and so is its gradient.
 *
 * <p>Domain and inverse: all reals; invertible iff no diagonal element is zero. log|det ∂y/∂x| =
 * Σ_i log|W_ii| nats, the same for every x: part of log Z. The inverse substitutes; it is accurate
 * to cond(W)·ε of the weights' precision.
 *
 * <p>Cost: 2·D² FLOP per row and order, zeros included; D for log|det| and its gradient, without
 * any factorisation. Keeps nothing but a reference to its input.
 *
 * <p>Threading: immutable.
 */
public final class Triangular implements ConstantJacobian {
  static final String TYPE = "triangular";

  private final boolean upper;
  private final Parameter weight;
  private final Parameter bias;
  private final Gradients.Term restriction = this::restrict; // made once: a step allocates nothing

  /** The identity. */
  public Triangular(int dimension, boolean upper) {
    this(dimension, upper, Initializers.scaledIdentity(1));
  }

  /**
   * With b = 0.
   *
   * @param start draws a square matrix, of which one triangle is taken
   */
  public Triangular(int dimension, boolean upper, Initializer start) {
    this.upper = upper;
    weight =
        new Parameter("weight", dimension, dimension, start, true, true, null, new Restriction());
    bias = new Parameter("bias", 1, dimension, Initializers.constant(0));
  }

  /**
   * A weight factored as upper times lower triangular, W = U L: a lower triangular layer, then an
   * upper triangular one.
   *
   * @param start draws a square matrix for each, of which one triangle is taken
   */
  public static Sequence luFactored(int dimension, Initializer start) {
    return new Sequence(
        dimension,
        List.of(new Triangular(dimension, false, start), new Triangular(dimension, true, start)));
  }

  static Triangular of(Description description, Shape input) {
    return new Triangular(input.size(), description.flag("upper"));
  }

  /** Zero in one triangle. */
  private final class Restriction implements Reparameterization {
    @Override
    public Parameter original() {
      return weight;
    }

    @Override
    public long count() {
      return weight.rows() * (weight.rows() + 1L) / 2;
    }

    @Override
    public void compute(Parameters parameters) {
      zeroOtherTriangle(parameters.of(weight), 0, weight.rows());
    }
  }

  /** In rows {@code from} to {@code to} (exclusive). */
  private void zeroOtherTriangle(Matrix matrix, int from, int to) {
    for (int r = from; r < to; r++) {
      int start = matrix.offset() + r * matrix.stride();
      int first = start + (upper ? 0 : r + 1);
      int end = start + (upper ? r : matrix.columns());
      if (matrix.precision() == Precision.FLOAT32) {
        Arrays.fill(matrix.floats(), first, end, 0);
      } else {
        Arrays.fill(matrix.doubles(), first, end, 0);
      }
    }
  }

  /** W, [D,D]. */
  public Parameter weight() {
    return weight;
  }

  /** b, [1,D]. */
  public Parameter bias() {
    return bias;
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight, bias);
  }

  @Override
  public int dimension() {
    return weight.rows();
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE, "upper", upper);
  }

  @Override
  public OptionalDouble condition(Parameters parameters, Blas blas) {
    return OptionalDouble.of(parameters.lu(weight, blas, Precision.FLOAT64).condition());
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    Matrix values = parameters.of(weight);
    double sum = 0;
    for (int i = 0; i < values.rows(); i++) {
      sum += StrictMath.log(Math.abs(values.get(i, i)));
    }
    return sum;
  }

  @Override
  public double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    double logDet = logAbsDeterminant(parameters, blas);
    if (gradients.wants(weight) && logDet != Double.NEGATIVE_INFINITY) {
      Matrix values = parameters.of(weight);
      Matrix weightBar = gradients.of(weight);
      for (int i = 0; i < values.rows(); i++) { // ∂ log|det W|/∂W_ii = 1/W_ii
        weightBar.set(i, i, weightBar.get(i, i) + factor / values.get(i, i));
      }
    }
    return logDet;
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    kept.multiplyTransposed(x, weight, y, fromOrder, toOrder); // y_k = W x_k, one product
    if (fromOrder == 0) {
      kept.kernels().rows().addToRows(y.stream(0), kept.value(bias)); // y_0 += b
    }
    kept.keep(x);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    if (gradients != null && gradients.wants(weight)) {
      gradients.addColumnSums(bias, 1, yBar, 0); // y_0 += b        b̄ += Σ ȳ_0
      gradients.addProduct(weight, yBar, kept.jet()); // y_k = W x_k  W̄ += Σ_k ȳ_kᵀ x_k
      gradients.addPullBack(restriction);
    }
    if (toOrder >= 0) {
      kept.multiply(yBar, weight, xBar, 0, toOrder); // y_k = W x_k  x̄_k = Wᵀ ȳ_k
    }
  }

  /** W̄ in the triangle that is no weight is zero; each worker has some rows. */
  private void restrict(Gradients gradients) {
    zeroOtherTriangle(
        gradients.of(weight),
        gradients.worker().from(weight.rows()),
        gradients.worker().to(weight.rows()));
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    kept.kernels().rows().subtractFromRows(y, kept.value(bias), x); // x = W⁻¹(y - b)
    kept.kernels().rows().solveTriangularRows(upper, kept.parameters().of(weight), x);
  }

  @Override
  public String toString() {
    return "Triangular(" + dimension() + ", " + (upper ? "upper" : "lower") + ")";
  }
}
