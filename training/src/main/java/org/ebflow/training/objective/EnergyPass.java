package org.ebflow.training.objective;

import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.WeightRule;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * One batch under maximum likelihood, without what the log-determinants of layers with constant
 * Jacobian add: the loss of a row is its energy -ℓ(x). Objectives differ in what they add.
 */
abstract class EnergyPass extends BatchPass {
  final Flow flow;
  final Compute compute;
  final Worker worker;
  private final FlowPass pass;
  private final int[] droppedRows;
  private final LogDet seed;

  /** {@code droppedRows} is shared by the workers, of which each has an element. */
  EnergyPass(
      Flow flow,
      Compute compute,
      Worker worker,
      FlowPass pass,
      BatchShare share,
      int[] droppedRows) {
    super(flow, pass.rows(), share);
    this.flow = flow;
    this.compute = compute;
    this.worker = worker;
    this.pass = pass;
    this.droppedRows = droppedRows;
    this.seed = pass.newSeed();
  }

  @Override
  public final Matrix noise(int draw) {
    throw new UnsupportedOperationException("maximum likelihood draws nothing");
  }

  @Override
  public final void draw(Noise noise, long step) {
    // nothing is random
  }

  /** Overwrites the losses with the energies of this worker's rows. */
  final void computeEnergies() {
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
  }

  /**
   * Sums the gradient of the energies over the rows of all workers, after {@link #computeEnergies}.
   * Weights are not pulled back to their originals yet.
   *
   * @param rule what dense layers that are trained sum; null for their gradient
   */
  final void sumGradients(Gradients gradients, @Nullable WeightRule rule) {
    gradients.begin(1.0 / share.batch(), rule);
    pass.backward(seed, false, gradients);
    gradients.sum();
  }

  /**
   * How many of the share's rows have a finite loss. All workers have counted theirs and met since,
   * as in {@link #sumGradients}.
   */
  final int counted() {
    int dropped = 0;
    for (int count : droppedRows) {
      dropped += count;
    }
    return share.rows() - dropped;
  }
}
