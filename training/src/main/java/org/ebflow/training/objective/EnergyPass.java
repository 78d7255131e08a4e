package org.ebflow.training.objective;

import java.util.List;
import java.util.Objects;
import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.WeightRule;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * One batch under maximum likelihood without the log-determinants of dense layers: the loss of a
 * row is its energy -ℓ(x). Dense layers that are trained follow a {@link WeightRule}, and what
 * stands for ∂ log|det W| is added to them at the end. All other layers follow their gradient.
 */
final class EnergyPass extends BatchPass {
  private final Flow flow;
  private final List<Parameter> dense;
  private final List<ConstantJacobian> others;
  private final Compute compute;
  private final Worker worker;
  private final FlowPass pass;
  private final int[] droppedRows;
  private final LogDet seed;
  private final Rule rule;

  /** What dense layers sum. */
  interface Rule extends WeightRule {
    /** Adds what stands for -rows·∂ log|det W| to the sums, in one worker. */
    void addLogDet(Parameter weight, double rows, Flow flow, Gradients gradients);

    /** The rule of one worker. */
    interface Maker {
      Rule make(RowLosses losses);
    }
  }

  private EnergyPass(
      Flow flow,
      Compute compute,
      Worker worker,
      FlowPass pass,
      int batch,
      int[] droppedRows,
      Rule.Maker rule) {
    super(flow, pass.rows(), batch);
    this.flow = flow;
    this.compute = compute;
    this.worker = worker;
    this.pass = pass;
    this.droppedRows = droppedRows;
    this.seed = pass.newSeed();
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
   * Passes of all workers.
   *
   * @throws IllegalArgumentException if the flow has no dense layer that is trained
   */
  static ObjectivePass[] forTeam(
      String objective, Flow flow, Compute compute, Team team, int batch, Rule.Maker rule) {
    if (trainedDenseWeights(flow).isEmpty()) {
      throw new IllegalArgumentException(
          "loss "
              + objective
              + ": the model has no dense layer that is trained, expected one: all others follow ml");
    }
    FlowPass[] passes = FlowPass.forTeam(flow, compute, team, batch, 0);
    int[] dropped = new int[passes.length];
    ObjectivePass[] result = new ObjectivePass[passes.length];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] =
          new EnergyPass(flow, compute, team.worker(rank), passes[rank], batch, dropped, rule);
    }
    return result;
  }

  @Override
  public Matrix noise(int draw) {
    throw new UnsupportedOperationException("maximum likelihood draws nothing");
  }

  @Override
  public void draw(Noise noise, long step) {
    // nothing is random
  }

  @Override
  public void evaluate(@Nullable Gradients gradients) {
    pass.input().stream(0).copyFrom(data);
    pass.forward(0, 0);
    losses.begin();
    seed.fill(0, -1);
    double[] loss = losses.array();
    double[] phi0 = pass.density().order(0).doubles();
    for (int r = 0; r < loss.length; r++) {
      loss[r] = -phi0[r];
    }
    losses.dropNonFinite(pass, seed);
    droppedRows[worker.rank()] = losses.nonFinite();
    if (gradients != null) {
      gradients.begin(1.0 / batch, rule);
      pass.backward(seed, false, gradients);
      gradients.sum();
      addLogDets(gradients);
      worker.barrier();
      gradients.pullBack();
    }
  }

  /** The workers share the layers. All of them have counted their rows and met since. */
  private void addLogDets(Gradients gradients) {
    int rows = batch;
    for (int count : droppedRows) {
      rows -= count;
    }
    int size = worker.size();
    for (int i = worker.rank(); i < dense.size(); i += size) {
      rule.addLogDet(dense.get(i), rows, flow, gradients);
    }
    for (int i = worker.rank(); i < others.size(); i += size) {
      others.get(i).addLogDetGradient(-rows, flow.parameters(), compute.blas(), gradients);
    }
  }
}
