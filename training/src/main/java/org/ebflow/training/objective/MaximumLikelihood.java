package org.ebflow.training.objective;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * Maximum likelihood: -log p(x). It factorises and inverts every dense layer in every step, which
 * is O(D³L). It is the baseline of the others.
 *
 * <p>Source: Chao et al. 2023, section 2.1. The log-determinants in the loss come from the
 * factorisation in the training precision that the gradient needs; evaluations use float64.
 */
public record MaximumLikelihood() implements Objective {
  @Override
  public String name() {
    return "ml";
  }

  @Override
  public ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, BatchShare share) {
    FlowPass[] passes = FlowPass.forTeam(flow, compute, team, share.rows(), 0);
    double[] logDets = new double[flow.constantParts().size()];
    int[] dropped = new int[passes.length];
    ObjectivePass[] result = new ObjectivePass[passes.length];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] =
          new Pass(flow, compute, team.worker(rank), passes[rank], share, logDets, dropped);
    }
    return result;
  }

  private static final class Pass extends EnergyPass {
    private final List<ConstantJacobian> constantParts;
    private final double[] logDets;

    Pass(
        Flow flow,
        Compute compute,
        Worker worker,
        FlowPass pass,
        BatchShare share,
        double[] logDets,
        int[] droppedRows) {
      super(flow, compute, worker, pass, share, droppedRows);
      this.constantParts = flow.constantParts();
      this.logDets = logDets;
    }

    @Override
    public void evaluate(@Nullable Gradients gradients) {
      computeEnergies();
      if (gradients != null) {
        sumGradients(gradients, null);
      }
      double logDet = logDet(gradients);
      if (gradients != null) {
        gradients.pullBack();
      }
      double[] loss = losses.array();
      for (int r = 0; r < loss.length; r++) {
        if (!losses.dropped(r)) {
          loss[r] -= logDet;
        }
      }
    }

    /**
     * Σ log|det| of the layers with constant Jacobian. With gradients, also adds -∂/∂θ of it to
     * their sums, times the number of rows with a finite loss, since the sums are over rows. The
     * workers share the layers.
     */
    private double logDet(@Nullable Gradients gradients) {
      for (int i = worker.rank(); i < logDets.length; i += worker.size()) {
        ConstantJacobian part = constantParts.get(i);
        logDets[i] =
            gradients == null
                ? part.logAbsDeterminant(flow.parameters(), compute.blas())
                : part.addLogDetGradient(-counted(), flow.parameters(), compute.blas(), gradients);
      }
      worker.barrier();
      double sum = 0;
      for (double logDet : logDets) {
        sum += logDet;
      }
      return sum;
    }
  }
}
