package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Convolution of images by k×k pixels from C to C channels as a bijection: {@link ConvolutionMap}
 * with as many channels out as in.
 *
 * <p>Source: Chao et al. 2023, section 5; jets: docs/derivations/dense.md.
 *
 * <p>Shapes (row-major, channels last): x, y [batch,D] per order with D = H·W·C, W [C,k²·C], b
 * [1,C].
 *
 * <p>Domain and inverse: all reals. On a row the convolution is a banded matrix A [D,D], invertible
 * iff |det A| &gt; 0. log|det ∂y/∂x| = log|det A| nats, the same for every x: part of log Z, never
 * of a training step. The inverse solves by LU of A in float64 and is accurate to cond(A)·ε of the
 * weights' precision.
 *
 * <p>Cost: 2·k²·C·D FLOP per row and order. Once per version of the weights, for log|det| and the
 * inverse, 4·D·b² FLOP by banded LU with b ≈ C·W·(k-1)/2, or ⅔·D³ by dense LU where that is faster;
 * twice as much again for the gradient of log|det|.
 *
 * <p>Threading: immutable.
 */
public final class Convolution implements ConstantJacobian {
  static final String TYPE = "convolution";

  private final ConvolutionMap map;
  private final Parameter bias;

  /**
   * With the published start: W the negated identity, b normal with the deviation of a
   * Xavier-normal weight of gain .01.
   *
   * @param side k, odd
   */
  public Convolution(Shape image, int side) {
    this(
        image,
        side,
        Initializers.diracDelta(-1),
        Initializers.gaussian(.01 / (side * Math.sqrt(image.channels()))));
  }

  /** With the given initial values. */
  public Convolution(Shape image, int side, Initializer weight, Initializer bias) {
    this(new ConvolutionMap(image, image.channels(), side, weight, bias));
  }

  private Convolution(ConvolutionMap map) {
    this.map = map;
    this.bias = Objects.requireNonNull(map.bias);
  }

  /** The same layer with spectral normalisation of W, as {@link Affine#spectrallyNormalised}. */
  public Convolution spectrallyNormalised() {
    return new Convolution(map.spectrallyNormalised());
  }

  /** With the start W = identity, b = 0. */
  public static Convolution identity(Shape image, int side) {
    return new Convolution(image, side, Initializers.diracDelta(1), Initializers.constant(0));
  }

  static Convolution of(Description description, Shape input) {
    Convolution plain = new Convolution(input, description.count("side"));
    return SpectralNormalisation.in(description) ? plain.spectrallyNormalised() : plain;
  }

  /** W, [C,k²·C]. */
  public Parameter weight() {
    return map.weight;
  }

  /** b, [1,C]. */
  public Parameter bias() {
    return bias;
  }

  @Override
  public List<Parameter> parameters() {
    return map.parameters();
  }

  @Override
  public int dimension() {
    return map.inputs();
  }

  @Override
  public Shape outputShape(Shape input) {
    return map.outputShape(input);
  }

  @Override
  public Map<String, Object> description() {
    return map.describe(Description.of(TYPE, "side", map.convolutionShape().side()));
  }

  private ConvolutionMatrix factors(Parameters parameters, Blas blas, Precision precision) {
    ConvolutionShape shape = map.convolutionShape();
    ConvolutionMatrix found =
        parameters.factorization(
            map.weight, ConvolutionMatrix.class, ConvolutionMatrix.precision(shape, precision));
    return found == null
        ? parameters.keep(
            map.weight, ConvolutionMatrix.of(shape, parameters.of(map.weight), blas, precision))
        : found;
  }

  @Override
  public OptionalDouble condition(Parameters parameters, Blas blas) {
    return OptionalDouble.of(factors(parameters, blas, Precision.FLOAT64).lu().condition());
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    return factors(parameters, blas, Precision.FLOAT64).lu().logAbsDeterminant();
  }

  @Override
  public double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    ConvolutionMatrix factors = factors(parameters, blas, parameters.precision());
    if (gradients.wants(map.weight) && !factors.lu().singular()) {
      factors.addGradient(factor, gradients.of(map.weight));
    }
    return factors.lu().logAbsDeterminant();
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    map.forward(x, y, kept, fromOrder, toOrder);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    map.backward(yBar, kept, xBar, toOrder, gradients);
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    kept.kernels().rows().subtractFromRows(y, map.biasOfPixels(kept), x); // x = A⁻¹(y - b)
    factors(kept.parameters(), kept.blas(), Precision.FLOAT64).lu().solveRows(x);
  }

  @Override
  public String toString() {
    return "Convolution("
        + map.convolutionShape().side()
        + "x"
        + map.convolutionShape().side()
        + ", "
        + bias.columns()
        + " channels)";
  }
}
