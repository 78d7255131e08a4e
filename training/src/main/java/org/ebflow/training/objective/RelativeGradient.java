package org.ebflow.training.objective;

import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Team;
import org.jspecify.annotations.Nullable;

/**
 * Maximum likelihood by the relative gradient of dense layers, G WᵀW in place of the gradient G. It
 * turns ∂ log|det W| = W⁻ᵀ into W, so that a step is O(D²) per row.
 *
 * <p>Source: Gresele et al. 2020, section 3; docs/derivations/objectives.md. Only weights of dense
 * layers that are trained follow it; everything else follows the gradient of ml, exact
 * log-determinants included. (The published code also multiplies the gradient of the biases.)
 *
 * <p>The loss of a row is its energy: without log Z, which would take a factorisation, it is no
 * likelihood. The evaluations are exact.
 */
public record RelativeGradient() implements Objective {
  private static final int PRODUCT = 0;
  private static final int PULLED = 1;

  @Override
  public String name() {
    return "rg";
  }

  @Override
  public boolean toleratesBFloat16() {
    return false;
  }

  @Override
  public boolean followsGradient() {
    return false;
  }

  @Override
  public void requireTrains(Flow flow) {
    WeightRulePass.requireTrainedDense(name(), flow);
  }

  @Override
  public ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, BatchShare share) {
    return WeightRulePass.forTeam(name(), flow, compute, team, share, losses -> new Rule());
  }

  private static final class Rule implements WeightRulePass.Rule {
    /** Σ ȳ xᵀ·WᵀW = Σ ȳ (Wᵀ W x)ᵀ, and W x is the output without the bias. */
    @Override
    public void note(
        Parameter weight,
        Parameter bias,
        Jet yBar,
        @Nullable Jet xBar,
        Workspace kept,
        Gradients gradients) {
      Jet product = kept.jet(PRODUCT, weight.rows(), 0);
      kept.kernels()
          .rows()
          .subtractFromRows(kept.output().stream(0), kept.value(bias), product.stream(0));
      Jet pulled = kept.jet(PULLED, weight.columns(), 0);
      kept.multiply(product, weight, pulled, 0, 0);
      gradients.addProduct(weight, yBar, pulled);
    }

    /** W⁻ᵀ·WᵀW = W. */
    @Override
    public void addLogDet(Parameter weight, double rows, Flow flow, Gradients gradients) {
      gradients
          .compute()
          .kernels()
          .rows()
          .addMatrix(false, -rows, flow.parameters().of(weight), gradients.of(weight));
    }
  }
}
