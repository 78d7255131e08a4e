package org.ebflow.flow.layer;

import java.util.List;
import org.ebflow.flow.Gradients;
import org.ebflow.flow.Jet;
import org.ebflow.flow.Parameter;
import org.ebflow.flow.Parameter.Initializer;
import org.ebflow.flow.Workspace;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Affine map with weight normalisation, y = x Wᵀ + b, where row r of W is (g_r/‖v_r‖)·v_r.
 *
 * <p>Source: Salimans and Kingma 2016, equation 2, per output as PyTorch's {@code weight_norm};
 * jets: docs/derivations/coupling.md.
 *
 * <p>Shapes (row-major): x [batch,in] per order, v and W [out,in], g and b [1,out], y [batch,out]
 * per order. g starts as the norms of v's rows, so that W starts as v.
 *
 * <p>Domain: no row of v may be zero. A plain gradient step only lengthens v: v̄ is orthogonal.
 *
 * <p>Cost: as {@link Affine}, and per pass 4·in·out FLOP for W, which every worker computes for
 * itself and keeps.
 */
final class NormalisedAffine implements JetFunction {
  private static final int WEIGHT = 0;

  private final Parameter direction;
  private final Parameter magnitude;
  private final Parameter bias;

  /** {@code weight} draws v. */
  NormalisedAffine(String prefix, int in, int out, Initializer weight, Initializer bias) {
    this.direction = new Parameter(prefix + "weight_v", out, in, weight);
    this.magnitude = new Parameter(prefix + "weight_g", 1, out, Initializers.rowNorms(direction));
    this.bias = new Parameter(prefix + "bias", 1, out, bias);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(direction, magnitude, bias);
  }

  @Override
  public int outputs() {
    return direction.rows();
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    Matrix weight = weight(kept);
    if (fromOrder == 0) {
      kept.kernels()
          .rows()
          .normaliseRows(kept.value(direction), kept.value(magnitude), weight); // W = g v/‖v‖
    }
    kept.multiplyTransposed(x, weight, y, fromOrder, toOrder); // y_k = W x_k, one product
    if (fromOrder == 0) {
      kept.kernels().rows().addToRows(y.stream(0), kept.value(bias)); // y_0 += b
    }
    kept.keep(x);
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    if (gradients != null) {
      gradients.addColumnSums(bias, 1, yBar, 0); // y_0 += b        b̄ += Σ ȳ_0
      gradients.addNormalisedProduct( // y_k = W x_k  W̄ = Σ_k ȳ_kᵀ x_k, pulled back to v̄ and ḡ
          direction, magnitude, kept.parameters(), yBar, kept.kept());
    }
    if (toOrder >= 0) {
      kept.multiply(yBar, weight(kept), xBar, 0, toOrder); // y_k = W x_k  x̄_k = Wᵀ ȳ_k
    }
  }

  /** W of the pass's weights, every worker's own. */
  private Matrix weight(Workspace kept) {
    return kept.own(WEIGHT, direction.rows(), direction.columns());
  }
}
