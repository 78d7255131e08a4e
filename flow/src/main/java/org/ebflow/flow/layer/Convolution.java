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
import org.ebflow.linalg.Lu;
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
 * <p>Domain and inverse: all reals. On a row the convolution is a matrix A [D,D] ({@link #matrix}),
 * invertible iff |det A| &gt; 0. log|det ∂y/∂x| = log|det A| nats, the same for every x: part of
 * log Z, never of a training step. The inverse solves by LU of A in float64 and is accurate to
 * cond(A)·ε of the weights' precision.
 *
 * <p>Cost: 2·k²·C·D FLOP per row and order; for log|det| and the inverse ⅔·D³ FLOP and D² numbers
 * of memory per version of the weights.
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
    map = new ConvolutionMap(image, image.channels(), side, weight, bias);
    this.bias = Objects.requireNonNull(map.bias);
  }

  /** With the start W = identity, b = 0. */
  public static Convolution identity(Shape image, int side) {
    return new Convolution(image, side, Initializers.diracDelta(1), Initializers.constant(0));
  }

  static Convolution of(Description description, Shape input) {
    return new Convolution(input, description.count("side"));
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
    return Description.of(TYPE, "side", map.convolutionShape().side());
  }

  /**
   * A, [D,D] float64: the convolution of a row x is A x. Its row and column of an output element
   * and of a tap hold that tap's weight.
   */
  public Matrix matrix(Parameters parameters) {
    Matrix values = parameters.of(map.weight);
    Matrix matrix = Matrix.allocate(Precision.FLOAT64, dimension(), dimension());
    forEachElement((o, tap, row, column) -> matrix.set(row, column, values.get(o, tap)));
    return matrix;
  }

  /** What A holds in one place: tap number {@code tap} of output channel {@code o}. */
  @FunctionalInterface
  private interface Element {
    void at(int o, int tap, int row, int column);
  }

  /** Every element of A that is a weight; the others are zero. */
  private void forEachElement(Element element) {
    ConvolutionShape shape = map.convolutionShape();
    int channels = shape.in();
    int padding = shape.padding();
    for (int pixel = 0; pixel < shape.pixels(); pixel++) {
      for (int square = 0; square < shape.side() * shape.side(); square++) {
        int y = pixel / shape.width() + square / shape.side() - padding;
        int x = pixel % shape.width() + square % shape.side() - padding;
        if (y >= 0 && y < shape.height() && x >= 0 && x < shape.width()) {
          int column = (y * shape.width() + x) * channels;
          for (int o = 0; o < channels; o++) {
            for (int c = 0; c < channels; c++) {
              element.at(o, square * channels + c, pixel * channels + o, column + c);
            }
          }
        }
      }
    }
  }

  private Lu lu(Parameters parameters, Blas blas, Precision precision) {
    return blas.factorize(matrix(parameters), precision);
  }

  @Override
  public OptionalDouble condition(Parameters parameters, Blas blas) {
    try (Lu lu = lu(parameters, blas, Precision.FLOAT64)) {
      return OptionalDouble.of(lu.condition());
    }
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    try (Lu lu = lu(parameters, blas, Precision.FLOAT64)) {
      return lu.logAbsDeterminant();
    }
  }

  /** ∂ log|det A|/∂W of a tap is the sum of A⁻ᵀ over the elements that it is. */
  @Override
  public double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    try (Lu lu = lu(parameters, blas, parameters.precision())) {
      if (!lu.singular()) {
        Matrix matrixBar = Matrix.allocate(parameters.precision(), dimension(), dimension());
        lu.addInverseTransposed(factor, matrixBar);
        Matrix weightBar = gradients.of(map.weight);
        forEachElement(
            (o, tap, row, column) ->
                weightBar.set(o, tap, weightBar.get(o, tap) + matrixBar.get(row, column)));
      }
      return lu.logAbsDeterminant();
    }
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
    try (Lu lu = lu(kept.parameters(), kept.blas(), Precision.FLOAT64)) {
      lu.solveRows(x);
    }
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
