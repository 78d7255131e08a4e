package org.ebflow.training.objective;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.jspecify.annotations.Nullable;

/**
 * Maximum likelihood by self-normalising dense layers: a matrix R is trained beside each weight W
 * to be its inverse, and Rᵀ stands for ∂ log|det W| = W⁻ᵀ.
 *
 * <p>Source: Keller et al. 2021, section 3, as their code sums it; docs/derivations/objectives.md.
 * The objective is the mean of two likelihoods: one with W as the layer's weight, one with R⁻¹. In
 * the gradient of each, the other matrix stands for the inverse: W̄ = ½(Σ ȳ xᵀ - n Rᵀ), R̄ = ½(-Σ
 * x̄ (W x)ᵀ + n Wᵀ). The gradient of {@code penalty}·Σ ‖R W x - x‖² is added to both. Only dense
 * layers that are trained have an R; everything else follows the gradient of ml, exact
 * log-determinants included.
 *
 * <p>The loss of a row is its energy, without log Z and penalty: no likelihood. The evaluations are
 * exact. R is part of a run's state, not of its model.
 *
 * @param penalty weight of the reconstruction
 */
public record SelfNormalizing(double penalty) implements Objective {
  private static final String INVERSE = "inverse";
  private static final int PRODUCT = 0;
  private static final int ERROR = 1;
  private static final int LEFT = 2;
  private static final int INPUT_BAR = 3;

  /** Refuses a penalty that is negative or not finite. */
  public SelfNormalizing {
    if (!(penalty >= 0 && penalty < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "penalty is " + penalty + ", expected zero or a positive number");
    }
  }

  @Override
  public String name() {
    return "snf";
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

  /** R of every dense layer that is trained, in their order; starts as the transposed weight. */
  @Override
  public SequencedMap<String, Parameter> parameters(Flow flow) {
    SequencedMap<String, Parameter> result = new LinkedHashMap<>();
    for (Parameter weight : WeightRulePass.trainedDenseWeights(flow)) {
      int size = weight.rows();
      result.put(
          INVERSE + result.size(),
          Parameter.weight(INVERSE, size, size, Initializers.transposed(weight)));
    }
    return result;
  }

  @Override
  public ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, BatchShare share) {
    Map<Parameter, Parameter> inverses = new HashMap<>(); // blocks are equal only to themselves
    List<Parameter> weights = WeightRulePass.trainedDenseWeights(flow);
    Parameters parameters = flow.parameters();
    for (int i = 0; i < weights.size(); i++) {
      int place = parameters.names().indexOf(Objective.PREFIX + INVERSE + i);
      if (place < 0) {
        throw new IllegalArgumentException(
            "loss snf: the flow has no parameters of the objective, expected those of withParameters");
      }
      inverses.put(weights.get(i), parameters.blocks().get(place));
    }
    return WeightRulePass.forTeam(
        name(), flow, compute, team, share, losses -> new Rule(inverses, losses));
  }

  private final class Rule implements WeightRulePass.Rule {
    private final Map<Parameter, Parameter> inverses;
    private final RowLosses losses;

    Rule(Map<Parameter, Parameter> inverses, RowLosses losses) {
      this.inverses = inverses;
      this.losses = losses;
    }

    private Parameter inverse(Parameter weight) {
      return Objects.requireNonNull(inverses.get(weight));
    }

    @Override
    public void note(
        Parameter weight,
        Parameter bias,
        Jet yBar,
        @Nullable Jet xBar,
        Workspace kept,
        Gradients gradients) {
      Parameter inverse = inverse(weight);
      RowKernels rows = kept.kernels().rows();
      int size = weight.rows();
      Jet product = kept.jet(PRODUCT, size, 0); // h = W x
      rows.subtractFromRows(kept.output().stream(0), kept.value(bias), product.stream(0));
      zeroDropped(product.stream(0));
      Jet error = kept.jet(ERROR, size, 0); // e = R h - x
      kept.multiplyTransposed(product, inverse, error, 0, 0);
      combine(rows, 1, error, -1, kept.jet(), error);
      Jet left = kept.jet(LEFT, size, 0); // ½ ȳ + 2·penalty·Rᵀe
      kept.multiply(error, inverse, left, 0, 0);
      combine(rows, .5, yBar, 2 * penalty, left, left);
      gradients.addProduct(weight, left, kept.jet());
      Jet inputBar = xBar;
      if (inputBar == null) {
        inputBar = kept.jet(INPUT_BAR, size, 0);
        kept.multiply(yBar, weight, inputBar, 0, 0);
      }
      combine(rows, 2 * penalty, error, -.5, inputBar, error); // 2·penalty·e - ½ x̄
      gradients.addProduct(inverse, error, product);
    }

    private static void combine(RowKernels rows, double a, Jet x, double b, Jet y, Jet out) {
      rows.combine(a, x.stream(0), b, y.stream(0), out.stream(0));
    }

    /**
     * Dropped rows count for nothing: their inputs and cotangents are zero already, but W x, the
     * output less b, is not.
     */
    private void zeroDropped(Matrix product) {
      if (losses.nonFinite() > 0) {
        for (int r = 0; r < product.rows(); r++) {
          if (losses.dropped(r)) {
            product.rows(r, r + 1).fill(0);
          }
        }
      }
    }

    @Override
    public void addLogDet(Parameter weight, double rows, Flow flow, Gradients gradients) {
      Parameter inverse = inverse(weight);
      RowKernels kernels = gradients.compute().kernels().rows();
      Parameters values = flow.parameters();
      kernels.addMatrix(true, -rows / 2, values.of(inverse), gradients.of(weight));
      kernels.addMatrix(true, rows / 2, values.of(weight), gradients.of(inverse));
    }
  }
}
