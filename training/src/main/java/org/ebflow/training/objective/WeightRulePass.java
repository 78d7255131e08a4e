package org.ebflow.training.objective;

import java.util.List;
import java.util.Objects;
import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.WeightRule;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * One batch under maximum likelihood without the log-determinants of dense layers: the loss of a
 * row is its energy -ℓ(x). Dense layers that are trained follow a {@link WeightRule}, and what
 * stands for ∂ log|det W| is added to them at the end. All other layers follow their gradient.
 */
final class WeightRulePass extends EnergyPass {
  private final List<Parameter> dense;
  private final List<ConstantJacobian> others;
  private final Rule rule;

  /** What dense layers sum, with the part of their log-determinants. */
  interface Rule extends WeightRule {
    /** Adds what stands for -rows·∂ log|det W| to the sums, in one worker. */
    void addLogDet(Parameter weight, double rows, Flow flow, Gradients gradients);

    /** The rule of one worker. */
    interface Maker {
      Rule make(RowLosses losses);
    }
  }

  private WeightRulePass(
      Flow flow,
      Compute compute,
      Worker worker,
      FlowPass pass,
      BatchShare share,
      int[] droppedRows,
      Rule.Maker rule) {
    super(flow, compute, worker, pass, share, droppedRows);
    this.rule = rule.make(losses);
    this.dense = trainedDenseWeights(flow);
    this.others =
        flow.constantParts().stream()
            .filter(part -> part.affineMap() == null || !isTrained(flow, part.affineMap()))
            .toList();
  }

  /** Weights of the layers that follow a rule, in their order. */
  static List<Parameter> trainedDenseWeights(Flow flow) {
    return flow.constantParts().stream()
        .map(ConstantJacobian::affineMap)
        .filter(map -> map != null && isTrained(flow, map))
        .map(map -> Objects.requireNonNull(map).weight())
        .distinct()
        .toList();
  }

  private static boolean isTrained(Flow flow, ConstantJacobian.AffineMap map) {
    return flow.parameters().trains(map.weight());
  }

  /**
   * Refuses a flow of which no layer would follow a rule.
   *
   * @throws IllegalArgumentException if the flow has no dense layer that is trained
   */
  static void requireTrainedDense(String objective, Flow flow) {
    if (trainedDenseWeights(flow).isEmpty()) {
      throw new IllegalArgumentException(
          "loss "
              + objective
              + ": the model has no dense layer that is trained, expected one: all others follow ml");
    }
  }

  /** Passes of all workers. */
  static ObjectivePass[] forTeam(
      String objective, Flow flow, Compute compute, Team team, BatchShare share, Rule.Maker rule) {
    requireTrainedDense(objective, flow);
    FlowPass[] passes = FlowPass.forTeam(flow, compute, team, share.rows(), 0);
    int[] dropped = new int[passes.length];
    ObjectivePass[] result = new ObjectivePass[passes.length];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] =
          new WeightRulePass(flow, compute, team.worker(rank), passes[rank], share, dropped, rule);
    }
    return result;
  }

  @Override
  public void evaluate(@Nullable Gradients gradients) {
    computeEnergies();
    if (gradients != null) {
      sumGradients(gradients, rule);
      addLogDets(gradients);
      worker.barrier();
      gradients.pullBack();
    }
  }

  /** The workers share the layers. */
  private void addLogDets(Gradients gradients) {
    int rows = counted();
    int size = worker.size();
    for (int i = worker.rank(); i < dense.size(); i += size) {
      rule.addLogDet(dense.get(i), rows, flow, gradients);
    }
    for (int i = worker.rank(); i < others.size(); i += size) {
      others.get(i).addLogDetGradient(-rows, flow.parameters(), compute.blas(), gradients);
    }
  }
}
