package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Worker;
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
 * <p>Cost: as {@link Affine}, and 4·in·out FLOP per pass for W, of which every worker computes a
 * copy of its own.
 */
public final class NormalisedAffine implements DifferentiableMap {
  static final String TYPE = "normalised_affine";
  private static final int WEIGHT = 0;
  private static final int PRODUCT = 0;

  private final Parameter direction;
  private final Parameter magnitude;
  private final Parameter bias;

  /** v and b start uniform on ±1/√in. */
  public NormalisedAffine(int in, int out) {
    this(in, out, Initializers.uniformByFanIn(in), Initializers.uniformByFanIn(in));
  }

  /** {@code weight} draws v. */
  public NormalisedAffine(int in, int out, Initializer weight, Initializer bias) {
    Parameter directions = new Parameter("weight_v", out, in, weight);
    this(directions, Initializers.rowNorms(directions), bias);
  }

  private NormalisedAffine(Parameter direction, Initializer magnitude, Initializer bias) {
    this.direction = direction;
    this.magnitude = new Parameter("weight_g", 1, direction.rows(), magnitude);
    this.bias = new Parameter("bias", 1, direction.rows(), bias);
  }

  /** Starts as zero: v uniform on ±1/√in, g and b zero. */
  static NormalisedAffine zero(int in, int out) {
    return new NormalisedAffine(
        new Parameter("weight_v", out, in, Initializers.uniformByFanIn(in)),
        Initializers.constant(0),
        Initializers.constant(0));
  }

  static NormalisedAffine of(Description description, Shape input) {
    return new NormalisedAffine(input.size(), description.count("out"));
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE, "out", outputs());
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(direction, magnitude, bias);
  }

  @Override
  public int inputs() {
    return direction.columns();
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
      NormalisedProduct term = kept.object(PRODUCT, NormalisedProduct::new);
      term.note(this, yBar, kept); // y_k = W x_k  W̄ = Σ_k ȳ_kᵀ x_k, pulled back to v̄ and ḡ
      gradients.add(term);
    }
    if (toOrder >= 0) {
      kept.multiply(yBar, weight(kept), xBar, 0, toOrder); // y_k = W x_k  x̄_k = Wᵀ ȳ_k
    }
  }

  /**
   * W̄ = Σ_k ȳ_kᵀ x_k over the orders of yBar, pulled back: v̄ += (g/‖v‖)(W̄ - (W̄·v̂)v̂) and ḡ +=
   * W̄·v̂ per row, v̂ = v/‖v‖. Each worker computes some rows of W̄ and pulls them back alone,
   * because norms and dot products are per row. The pull-back is linear in W̄, so that each term is
   * pulled back by itself and the results add up.
   */
  @SuppressWarnings("NullAway.Init") // set when it is noted
  private static final class NormalisedProduct implements Gradients.Term {
    private Parameter direction;
    private Parameter magnitude;
    private Parameters weights;
    private Jet yBar;
    private Jet x;
    private @Nullable Jet sharedYBar;
    private @Nullable Matrix ownColumns;
    private @Nullable Matrix weightBar;

    void note(NormalisedAffine layer, Jet newYBar, Workspace kept) {
      direction = layer.direction;
      magnitude = layer.magnitude;
      weights = kept.parameters();
      yBar = newYBar;
      x = kept.jet();
    }

    @Override
    public void sumInto(Gradients gradients) {
      Worker worker = gradients.worker();
      int from = worker.from(direction.rows());
      int to = worker.to(direction.rows());
      Matrix own = weightBar;
      if (own == null) {
        own = Matrix.allocate(weights.precision(), to - from, direction.columns());
        weightBar = own;
      }
      Matrix directionBar = gradients.of(direction);
      if (gradients.isFirst(direction)) {
        for (int r = from; r < to; r++) {
          for (int c = 0; c < directionBar.columns(); c++) {
            directionBar.set(r, c, 0);
          }
        }
      }
      if (gradients.isFirst(magnitude)) {
        gradients.zero(magnitude, from, to);
      }
      gradients
          .compute()
          .blas()
          .multiply(true, ownColumns(worker), false, x.whole(0, yBar.order()), 1, 0, own);
      gradients
          .compute()
          .kernels()
          .rows()
          .pullBackNormalisedRows(
              weights.of(direction),
              weights.of(magnitude),
              own,
              directionBar,
              gradients.of(magnitude),
              from);
    }

    /** The columns of ȳ, all orders, that make this worker's rows of W̄. */
    @SuppressWarnings("ReferenceEquality") // the very jet
    private Matrix ownColumns(Worker worker) {
      Matrix found = ownColumns;
      if (found == null || sharedYBar != yBar) {
        Matrix all = yBar.whole(0, yBar.order());
        found = all.columns(worker.from(all.columns()), worker.to(all.columns()));
        ownColumns = found;
        sharedYBar = yBar;
      }
      return found;
    }
  }

  @Override
  public String toString() {
    return "NormalisedAffine(" + inputs() + " to " + outputs() + ")";
  }

  /** W of the pass's weights, every worker's own. */
  private Matrix weight(Workspace kept) {
    return kept.own(WEIGHT, direction.rows(), direction.columns());
  }
}
