package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Workspace;
import org.jspecify.annotations.Nullable;

/**
 * Affine map, y = x Wᵀ + b.
 *
 * <p>Shapes (row-major): x [batch,in] per order, W [out,in], b [1,out], y [batch,out] per order.
 *
 * <p>Jets (docs/derivations/dense.md): y_0 = W x_0 + b, y_k = W x_k. Cost: 2·in·out FLOP per row
 * and order. With {@link #spectrallyNormalised}, W is computed from the trained weight.
 */
public final class Affine implements DifferentiableMap {
  static final String TYPE = "affine";
  private static final int PULL_BACK = 0;

  final Parameter weight;
  final Parameter bias;
  private final @Nullable SpectralNormalisation spectral;

  /** Weight and bias start uniform on ±1/√in. */
  public Affine(int in, int out) {
    this(in, out, Initializers.uniformByFanIn(in), Initializers.uniformByFanIn(in));
  }

  /** With that start. */
  public Affine(int in, int out, Initializer weight, Initializer bias) {
    this(in, out, weight, bias, true);
  }

  /** Starts as zero. */
  static Affine zero(int in, int out) {
    return new Affine(in, out, Initializers.constant(0), Initializers.constant(0));
  }

  /** An untrained map keeps its start. */
  Affine(int in, int out, Initializer weight, Initializer bias, boolean trained) {
    this(
        new Parameter("weight", out, in, weight, trained, true),
        new Parameter("bias", 1, out, bias, trained),
        null);
  }

  private Affine(Parameter weight, Parameter bias, @Nullable SpectralNormalisation spectral) {
    this.weight = weight;
    this.bias = bias;
    this.spectral = spectral;
  }

  /**
   * The same map with spectral normalisation (Miyato et al. 2018): W is divided by an estimate of
   * its largest singular value, which one power iteration per training step improves.
   */
  public Affine spectrallyNormalised() {
    if (spectral != null) {
      return this;
    }
    SpectralNormalisation normalised = new SpectralNormalisation(weight);
    return new Affine(normalised.weight(), bias, normalised);
  }

  static Affine of(Description description, Shape input) {
    Affine plain = new Affine(input.size(), description.count("out"));
    return SpectralNormalisation.in(description) ? plain.spectrallyNormalised() : plain;
  }

  @Override
  public Map<String, Object> description() {
    return SpectralNormalisation.describe(spectral, Description.of(TYPE, "out", outputs()));
  }

  @Override
  public List<Parameter> parameters() {
    return SpectralNormalisation.parameters(spectral, weight, bias);
  }

  @Override
  public int inputs() {
    return weight.columns();
  }

  @Override
  public int outputs() {
    return weight.rows();
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    kept.multiplyTransposed(x, weight, y, fromOrder, toOrder); // y_k = W x_k, one product
    if (fromOrder == 0) {
      kept.kernels().rows().addToRows(y.stream(0), kept.value(bias)); // y_0 += b
    }
    kept.keep(x);
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    if (gradients != null && gradients.wants(weight)) {
      gradients.addColumnSums(bias, 1, yBar, 0); // y_0 += b        b̄ += Σ ȳ_0
      gradients.addProduct(weight, yBar, kept.jet()); // y_k = W x_k  W̄ += Σ_k ȳ_kᵀ x_k
      if (spectral != null) {
        spectral.notePullBack(PULL_BACK, kept, gradients); // W = V/σ
      }
    }
    if (toOrder >= 0) {
      kept.multiply(yBar, weight, xBar, 0, toOrder); // y_k = W x_k  x̄_k = Wᵀ ȳ_k
    }
  }

  @Override
  public String toString() {
    return "Affine(" + inputs() + " to " + outputs() + ")";
  }
}
