package org.ebflow.training.objective;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * Maximum likelihood with the gradient of log Z estimated by samples: ½(ℓ(x̂) - ℓ(x)), x̂ = g⁻¹(u)
 * held constant, u standard normal. It inverts the flow in every step.
 *
 * <p>Source: Chao et al. 2023, equation 9. The published 2-D code leaves out the ½.
 *
 * @param scale normalisation
 */
public record SampledMaximumLikelihood(LossScale scale) implements Objective {
  @Override
  public String name() {
    return "sml";
  }

  @Override
  public ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, BatchShare share) {
    GroupedPass[] passes = GroupedPass.forTeam(flow, compute, team, share.rows(), 2);
    FlowPass[] inverses = FlowPass.forwardOnly(flow, compute, team, share.rows());
    ObjectivePass[] result = new ObjectivePass[passes.length];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] =
          new Pass(flow, compute, team.worker(rank), passes[rank], inverses[rank], share);
    }
    return result;
  }

  private final class Pass extends BatchPass implements GroupedPass.SampleSeed {
    private final Flow flow;
    private final List<ConstantJacobian> constantParts;
    private final Compute compute;
    private final Worker worker;
    private final GroupedPass grouped;
    private final FlowPass inverse;
    private final Matrix latents;
    private final Matrix samples;
    private final double weight = scale == LossScale.PER_DIMENSION ? 0.5 : 1;

    Pass(
        Flow flow,
        Compute compute,
        Worker worker,
        GroupedPass grouped,
        FlowPass inverse,
        BatchShare share) {
      super(flow, inverse.rows(), share);
      this.flow = flow;
      this.constantParts = flow.constantParts();
      this.compute = compute;
      this.worker = worker;
      this.grouped = grouped;
      this.inverse = inverse;
      this.latents = Matrix.allocate(flow.precision(), inverse.rows(), flow.dimension());
      this.samples = Matrix.allocate(flow.precision(), inverse.rows(), flow.dimension());
    }

    /** The model samples x̂. */
    @Override
    public Matrix noise(int draw) {
      return samples;
    }

    @Override
    public void draw(Noise noise, long step) {
      int firstRow = share.first() + inverse.firstRow();
      noise.gaussian(NoisePurpose.OBJECTIVE, step, firstRow, latents);
      factorize();
      inverse.inverse(latents, samples);
    }

    /**
     * Factorises the layers ahead of the inverse. The workers share the layers, and the parameters
     * cache the factors.
     */
    private void factorize() {
      for (int i = worker.rank(); i < constantParts.size(); i += worker.size()) {
        constantParts.get(i).logAbsDeterminant(flow.parameters(), compute.blas());
      }
      worker.barrier();
    }

    @Override
    public void evaluate(@Nullable Gradients gradients) {
      grouped.input(0).copyFrom(data);
      grouped.input(1).copyFrom(samples);
      grouped.barrier();
      grouped.forward();
      double[] loss = losses.array();
      losses.begin();
      for (int r = 0; r < loss.length; r++) {
        loss[r] = weight * (grouped.density(1, r) - grouped.density(0, r));
        losses.dropIfNonFinite(r);
      }
      if (gradients != null) {
        gradients.begin(1.0 / share.batch());
        LogDet seed = grouped.seed(this);
        grouped.pass().backward(seed, false, gradients);
        gradients.finish();
      }
    }

    @Override
    public double loss(double[] density, int sample) {
      return weight * (density[share.rows() + sample] - density[sample]);
    }

    @Override
    public double seed(double[] density, int group, int sample) {
      return group == 0 ? -weight : weight;
    }
  }
}
