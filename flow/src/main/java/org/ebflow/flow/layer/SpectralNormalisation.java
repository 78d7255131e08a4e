package org.ebflow.flow.layer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.InitialDraws;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Reparameterization;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.SpectralKernels;
import org.jspecify.annotations.Nullable;

/**
 * Spectral normalisation of a weight, W = V/σ with σ = uᵀV v, an estimate of the largest singular
 * value of V.
 *
 * <p>Source: Miyato et al. 2018, algorithm 1, as PyTorch's {@code spectral_norm};
 * docs/derivations/convolution.md. Every training step begins with one power iteration, v ←
 * Vᵀu/‖Vᵀu‖ and u ← V v/‖V v‖. u and v are blocks that are not trained: saved, resumed and averaged
 * like all others, and constant in the gradient. Since an average of unit vectors is shorter, σ
 * divides by their norms.
 *
 * <p>Start: u a random direction after 15 iterations, so that σ is an estimate from the first
 * evaluation on.
 *
 * <p>Shapes: V, W [out,in], u [1,out], v [1,in]. Domain: V other than zero. Cost: 8·out·in FLOP per
 * training step.
 */
final class SpectralNormalisation implements Reparameterization {
  private static final String KEY = "spectral_normalisation";
  private static final int FIRST_ITERATIONS = 15;

  private final Parameter original;
  private final Parameter left;
  private final Parameter right;
  private final Parameter weight;

  /** Of a weight, whose start draws V. */
  SpectralNormalisation(Parameter plain) {
    int out = plain.rows();
    int in = plain.columns();
    Initializer start = plain.initializer();
    original = new Parameter("weight_orig", out, in, start);
    left = new Parameter("weight_u", 1, out, this::startLeft, false);
    right = new Parameter("weight_v", 1, in, this::startRight, false);
    weight =
        new Parameter(
            "weight",
            out,
            in,
            Initializers.constant(0),
            false,
            plain.operand(),
            plain.derived(),
            this);
  }

  /** Whether a map's description asks for it. */
  static boolean in(Description description) {
    return description.has(KEY) && description.flag(KEY);
  }

  /** A map's description, which says so where its weight is normalised. */
  static Map<String, Object> describe(
      @Nullable SpectralNormalisation spectral, Map<String, Object> plain) {
    if (spectral == null) {
      return plain;
    }
    Map<String, Object> result = new LinkedHashMap<>(plain);
    result.put(KEY, true);
    return result;
  }

  /**
   * A map's blocks: V, u and v before W where that is normalised, and the bias where it has one.
   */
  static List<Parameter> parameters(
      @Nullable SpectralNormalisation spectral, Parameter weight, @Nullable Parameter bias) {
    return Stream.of(
            spectral == null ? null : spectral.original,
            spectral == null ? null : spectral.left,
            spectral == null ? null : spectral.right,
            weight,
            bias)
        .filter(Objects::nonNull)
        .toList();
  }

  /** W. */
  Parameter weight() {
    return weight;
  }

  @Override
  public Parameter original() {
    return original;
  }

  private void startLeft(Matrix u, InitialDraws draws) {
    draws.gaussian(u);
    Matrix v = Matrix.allocate(Precision.FLOAT64, 1, original.columns());
    iterate(draws.valuesOf(original), u, v, FIRST_ITERATIONS);
  }

  private void startRight(Matrix v, InitialDraws draws) {
    iterate(draws.valuesOf(original), draws.valuesOf(left), v, 1);
  }

  private static void iterate(Matrix weights, Matrix u, Matrix v, int times) {
    for (int i = 0; i < times; i++) {
      kernels(weights).powerIteration(weights, u, v);
    }
  }

  @Override
  public void beginStep(Parameters parameters) {
    iterate(parameters.of(original), parameters.of(left), parameters.of(right), 1);
  }

  @Override
  public void compute(Parameters parameters) {
    Matrix weights = parameters.of(original);
    kernels(weights).divide(weights, sigma(parameters), parameters.of(weight));
  }

  private double sigma(Parameters parameters) {
    Matrix weights = parameters.of(original);
    return kernels(weights).sigma(weights, parameters.of(left), parameters.of(right));
  }

  private static SpectralKernels kernels(Matrix weights) {
    return KernelChoice.fastest(weights.precision()).spectral();
  }

  /** Notes that W̄ is pulled back to V̄ when it is complete. */
  void notePullBack(int slot, Workspace kept, Gradients gradients) {
    PullBack term = kept.object(slot, PullBack::new);
    term.normalised = this;
    term.weights = kept.parameters();
    gradients.addPullBack(term);
  }

  /**
   * V̄ = (W̄ - ⟨W̄, W⟩·u vᵀ)/σ with u and v of length one; each worker computes some rows, and the
   * inner product of all. Nothing else adds to V̄, so that it may be pulled back again whenever
   * more was added to W̄.
   */
  @SuppressWarnings("NullAway.Init") // set when it is noted
  private static final class PullBack implements Gradients.Term {
    private SpectralNormalisation normalised;
    private Parameters weights;

    @Override
    public void sumInto(Gradients gradients) {
      SpectralNormalisation of = normalised;
      kernels(weights.of(of.weight))
          .pullBack(
              weights.of(of.weight),
              of.sigma(weights),
              weights.of(of.left),
              weights.of(of.right),
              gradients.of(of.weight),
              gradients.of(of.original),
              gradients.worker().from(of.original.rows()),
              gradients.worker().to(of.original.rows()));
    }
  }
}
