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
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Invertible 1×1 convolution: the channels of every pixel are multiplied by one matrix, y_p = W
 * x_p.
 *
 * <p>Source: Kingma and Dhariwal 2018 (Glow), section 3.2; jets: docs/derivations/dense.md.
 *
 * <p>Shapes (row-major, channels last): x, y [batch,D] per order, read as [batch·P,C] with P pixels
 * and C channels, D = P·C; W [C,C]. W starts as a random orthogonal matrix.
 *
 * <p>Domain and inverse: all reals; invertible iff |det W| &gt; 0. log|det ∂y/∂x| = P·log|det W|
 * nats, the same for every x: part of log Z. The inverse solves by LU of W in float64 and is
 * accurate to cond(W)·ε of the weights' precision.
 *
 * <p>Cost: 2·C·D FLOP per row and order, one product on the pixels as they lie; ⅔·C³ FLOP for
 * log|det|. Keeps nothing but a reference to its input.
 *
 * <p>Threading: immutable.
 */
public final class PointwiseConvolution implements ConstantJacobian {
  static final String TYPE = "pointwise_convolution";
  private static final int SOLUTION = 0;

  private final Shape image;
  private final Parameter weight;

  /** With a random orthogonal W. */
  public PointwiseConvolution(Shape image) {
    this(image, Initializers.orthogonal());
  }

  /** With that start. */
  public PointwiseConvolution(Shape image, Initializer start) {
    this.image = image;
    weight = new Parameter("weight", image.channels(), image.channels(), start);
  }

  static PointwiseConvolution of(Description description, Shape input) {
    return new PointwiseConvolution(input);
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE);
  }

  /** W, [C,C]. */
  public Parameter weight() {
    return weight;
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight);
  }

  @Override
  public int dimension() {
    return image.size();
  }

  @Override
  public Shape outputShape(Shape input) {
    return image.require(this, input);
  }

  @Override
  public OptionalDouble condition(Parameters parameters, Blas blas) {
    return OptionalDouble.of(parameters.lu(weight, blas, Precision.FLOAT64).condition());
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    return image.pixels() * parameters.lu(weight, blas, Precision.FLOAT64).logAbsDeterminant();
  }

  @Override
  public double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    Lu lu = parameters.lu(weight, blas, parameters.precision());
    if (!lu.singular()) { // ∂ P·log|det W|/∂W = P·W⁻ᵀ
      lu.addInverseTransposed(factor * image.pixels(), gradients.of(weight));
    }
    return image.pixels() * lu.logAbsDeterminant();
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    kept.multiplyTransposed( // y_k = W x_k, one product on all pixels
        x.byPixel(image.pixels()), weight, y.byPixel(image.pixels()), fromOrder, toOrder);
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
    if (gradients != null) { // y_k = W x_k  W̄ += Σ_k ȳ_kᵀ x_k
      gradients.addProduct(
          weight, yBar.byPixel(image.pixels()), kept.jet().byPixel(image.pixels()));
    }
    if (toOrder >= 0) { // y_k = W x_k  x̄_k = Wᵀ ȳ_k
      kept.multiply(yBar.byPixel(image.pixels()), weight, xBar.byPixel(image.pixels()), 0, toOrder);
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    PixelRows solution = PixelRows.of(kept, SOLUTION, image);
    solution.rows().copyFrom(y); // x_p = W⁻¹ y_p
    kept.parameters().lu(weight, kept.blas(), Precision.FLOAT64).solveRows(solution.pixels());
    x.copyFrom(solution.rows());
  }

  @Override
  public String toString() {
    return "PointwiseConvolution(" + image.channels() + " channels)";
  }
}
