package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.InitialDraws;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.jspecify.annotations.Nullable;

/**
 * Invertible 1×1 convolution by an LU-factored matrix: y_p = W x_p with W = P·L·(U + diag(±e^s)),
 * so that log|det| needs no factorisation and W stays invertible.
 *
 * <p>Source: Kingma and Dhariwal 2018 (Glow), section 3.2; jets: docs/derivations/dense.md.
 *
 * <p>Shapes (row-major, channels last): x, y [batch,D] per order, read as [batch·P,C] with P pixels
 * and C channels. The factors lie in one block [C,C]: L below the diagonal, which has ones on its
 * own, U above it, s on it. The permutation and the signs of the diagonal, [1,C] each, are not
 * trained. W starts as a random orthogonal matrix.
 *
 * <p>Domain and inverse: all reals. log|det ∂y/∂x| = P·Σs nats, the same for every x: part of log
 * Z. The inverse solves with both triangles in the weights' precision.
 *
 * <p>Cost: 2·C·D FLOP per row and order; C³ FLOP per pass for W, of which every worker computes a
 * copy of its own. Keeps nothing but a reference to its input. Threading: immutable.
 */
public final class LuPointwiseConvolution implements ConstantJacobian {
  static final String TYPE = "lu_pointwise_convolution";
  private static final int WEIGHT = 0;
  private static final int INPUT = 1;
  private static final int SOLUTION = 2;
  private static final int WEIGHT_BAR = 3;
  private static final int PRODUCT = 4;

  private final Shape image;
  private final Parameter factors;
  private final Parameter permutation;
  private final Parameter signs;

  /** With a random orthogonal W. */
  public LuPointwiseConvolution(Shape image) {
    this.image = image;
    int channels = image.channels();
    factors =
        new Parameter(
            "factors",
            channels,
            channels,
            (values, draws) -> values.copyFrom(start(draws).factors));
    permutation =
        new Parameter(
            "permutation",
            1,
            channels,
            (values, draws) -> values.copyFrom(start(draws).permutation),
            false);
    signs =
        new Parameter(
            "signs", 1, channels, (values, draws) -> values.copyFrom(start(draws).signs), false);
  }

  static LuPointwiseConvolution of(Description description, Shape input) {
    return new LuPointwiseConvolution(input);
  }

  /** The three blocks, float64. */
  private record Start(Matrix factors, Matrix permutation, Matrix signs) {}

  /** LU factorisation with partial pivoting of the orthogonal matrix that {@code factors} draws. */
  private Start start(InitialDraws draws) {
    int n = image.channels();
    Matrix a = Matrix.allocate(Precision.FLOAT64, n, n);
    Initializers.orthogonal().initialize(a, draws.of(factors));
    double[][] rows = a.toRows();
    Matrix order = Matrix.allocate(Precision.FLOAT64, 1, n);
    Matrix diagonal = Matrix.allocate(Precision.FLOAT64, 1, n);
    for (int i = 0; i < n; i++) {
      order.set(0, i, i);
    }
    for (int k = 0; k < n; k++) {
      int pivot = k;
      for (int i = k + 1; i < n; i++) {
        pivot = Math.abs(rows[i][k]) > Math.abs(rows[pivot][k]) ? i : pivot;
      }
      double[] row = rows[k];
      rows[k] = rows[pivot];
      rows[pivot] = row;
      double place = order.get(0, k);
      order.set(0, k, order.get(0, pivot));
      order.set(0, pivot, place);
      for (int i = k + 1; i < n; i++) {
        rows[i][k] /= rows[k][k];
        for (int j = k + 1; j < n; j++) {
          rows[i][j] -= rows[i][k] * rows[k][j];
        }
      }
    }
    for (int k = 0; k < n; k++) {
      diagonal.set(0, k, Math.signum(rows[k][k]));
      rows[k][k] = StrictMath.log(Math.abs(rows[k][k]));
    }
    return new Start(Matrix.ofRows(Precision.FLOAT64, rows), order, diagonal);
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(factors, permutation, signs);
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
    Matrix weight = Matrix.allocate(parameters.precision(), image.channels(), image.channels());
    write(KernelChoice.fastest(parameters.precision()).rows(), parameters, weight);
    try (Lu lu = blas.factorize(weight, Precision.FLOAT64)) {
      return OptionalDouble.of(lu.condition());
    }
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    Matrix values = parameters.of(factors);
    double sum = 0;
    for (int i = 0; i < values.rows(); i++) {
      sum += values.get(i, i);
    }
    return image.pixels() * sum;
  }

  @Override
  public double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    Matrix factorsBar = gradients.of(factors);
    for (int i = 0; i < factorsBar.rows(); i++) { // ∂ P·Σs/∂s = P
      factorsBar.set(i, i, factorsBar.get(i, i) + factor * image.pixels());
    }
    return logAbsDeterminant(parameters, blas);
  }

  /** Overwrites a matrix [C,C] with W. */
  private void write(RowKernels kernels, Parameters parameters, Matrix weight) {
    kernels.multiplyLu(
        parameters.of(factors), parameters.of(permutation), parameters.of(signs), weight);
  }

  /** W of the pass's weights, every worker's own. */
  private Matrix weight(Workspace kept) {
    return kept.own(WEIGHT, image.channels(), image.channels());
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    Matrix weight = weight(kept);
    if (fromOrder == 0) {
      write(kept.kernels().rows(), kept.parameters(), weight);
    }
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
    if (gradients != null) {
      Product term = kept.object(PRODUCT, Product::new);
      term.note(this, yBar, kept); // y_k = W x_k  W̄ = Σ_k ȳ_kᵀ x_k, pulled back to the factors
      gradients.add(term);
    }
    if (toOrder >= 0) { // y_k = W x_k  x̄_k = Wᵀ ȳ_k
      kept.multiply(
          yBar.byPixel(image.pixels()), weight(kept), xBar.byPixel(image.pixels()), 0, toOrder);
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    PixelRows input = PixelRows.of(kept, INPUT, image);
    PixelRows solution = PixelRows.of(kept, SOLUTION, image);
    input.rows().copyFrom(y);
    kept.kernels()
        .rows()
        .solveLu( // x_p = W⁻¹ y_p
            kept.value(factors),
            kept.value(permutation),
            kept.value(signs),
            input.pixels(),
            solution.pixels());
    x.copyFrom(solution.rows());
  }

  /**
   * W̄ = Σ_k ȳ_kᵀ x_k over the orders of yBar, pulled back to the factors. Every row of the
   * factors' cotangent needs all of W̄, which is small: each worker computes it whole and pulls
   * back its own rows. The pull-back is linear in W̄, so that terms add up.
   */
  @SuppressWarnings("NullAway.Init") // set when it is noted
  private static final class Product implements Gradients.Term {
    private LuPointwiseConvolution layer;
    private Parameters weights;
    private Matrix yBar;
    private Matrix x;
    private Matrix weightBar;

    void note(LuPointwiseConvolution noted, Jet newYBar, Workspace kept) {
      layer = noted;
      weights = kept.parameters();
      yBar = newYBar.byPixel(noted.image.pixels()).whole(0, newYBar.order());
      x = kept.jet().byPixel(noted.image.pixels()).whole(0, newYBar.order());
      weightBar = kept.own(WEIGHT_BAR, noted.image.channels(), noted.image.channels());
    }

    @Override
    public void sumInto(Gradients gradients) {
      Matrix factorsBar = gradients.of(layer.factors);
      int from = gradients.worker().from(factorsBar.rows());
      int to = gradients.worker().to(factorsBar.rows());
      if (gradients.isFirst(layer.factors)) {
        for (int r = from; r < to; r++) {
          for (int c = 0; c < factorsBar.columns(); c++) {
            factorsBar.set(r, c, 0);
          }
        }
      }
      gradients.compute().blas().multiply(true, yBar, false, x, 1, 0, weightBar);
      gradients
          .compute()
          .kernels()
          .rows()
          .pullBackLu(
              weights.of(layer.factors),
              weights.of(layer.permutation),
              weights.of(layer.signs),
              weightBar,
              factorsBar,
              from,
              to);
    }
  }

  @Override
  public String toString() {
    return "LuPointwiseConvolution(" + image.channels() + " channels)";
  }
}
