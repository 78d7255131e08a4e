package org.ebflow.training.objective;

import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.jspecify.annotations.Nullable;

/**
 * Sliced score matching: ( ½‖s‖² + vᵀ(∂s/∂x)v )/D + (λ/C)·E(x) with Rademacher v, averaged over
 * slices; the plain form has ½(vᵀs)² in place of ½‖s‖².
 *
 * <p>Source: Song et al. 2020, equations 7 and 8; Chao et al. 2023, equation 10. Gradient: one
 * 2-jet with x1 = v and x2 = s has φ2 = vᵀHv + ‖s‖², whose gradient with s held constant is the
 * loss's (docs/derivations/objectives.md).
 *
 * @param slices directions v per sample and step
 * @param plain whether to use ½(vᵀs)², which has the higher variance
 * @param energyWeight weight λ/C of the energy
 * @param scale normalisation
 */
public record SlicedScoreMatching(int slices, boolean plain, double energyWeight, LossScale scale)
    implements Objective {
  private static final int MOST_SLICES = 10_000;

  /** One slice, variance reduced, no energy term, divided by the dimension. */
  public SlicedScoreMatching() {
    this(1, false, 0, LossScale.PER_DIMENSION);
  }

  /** Refuses impossible values. */
  public SlicedScoreMatching {
    if (slices < 1 || slices > MOST_SLICES) {
      throw new IllegalArgumentException("slices is " + slices + ", expected 1 to " + MOST_SLICES);
    }
    EnergyTerm.requireWeight(energyWeight);
  }

  @Override
  public String name() {
    return "ssm";
  }

  @Override
  public ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, BatchShare share) {
    FlowPass[] passes = FlowPass.forTeam(flow, compute, team, share.rows(), 2);
    ObjectivePass[] result = new ObjectivePass[passes.length];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] = new Pass(flow, compute, passes[rank], share);
    }
    return result;
  }

  private final class Pass extends BatchPass {
    private final FlowPass pass;
    private final RowKernels kernels;
    private final Matrix[] directions;
    private final LogDet seed;
    private final double weight;

    Pass(Flow flow, Compute compute, FlowPass pass, BatchShare share) {
      super(flow, pass.rows(), share);
      this.pass = pass;
      this.kernels = compute.kernels().rows();
      this.directions = new Matrix[slices];
      for (int slice = 0; slice < slices; slice++) {
        directions[slice] = Matrix.allocate(flow.precision(), pass.rows(), flow.dimension());
      }
      this.weight = scale == LossScale.PER_DIMENSION ? 1.0 / flow.dimension() : 1;
      this.seed = pass.newSeed();
    }

    @Override
    public Matrix noise(int draw) {
      return directions[draw];
    }

    @Override
    public void draw(Noise noise, long step) {
      for (int slice = 0; slice < slices; slice++) {
        long firstRow = share.first() + pass.firstRow() + (long) slice * share.batch();
        noise.rademacher(NoisePurpose.OBJECTIVE, step, firstRow, directions[slice]);
      }
    }

    @Override
    public void evaluate(@Nullable Gradients gradients) {
      losses.begin();
      seed.fill(0, -energyWeight / weight);
      seed.fill(2, 1);
      if (gradients != null) {
        gradients.begin(weight / ((double) share.batch() * slices));
      }
      pass.input().stream(0).copyFrom(data);
      for (int slice = 0; slice < slices; slice++) {
        pass.input().stream(1).copyFrom(directions[slice]);
        pass.forward(slice == 0 ? 0 : 1, 1);
        if (slice == 0) {
          pass.score();
        }
        Matrix s = pass.scoreCotangent();
        Matrix x2 = pass.input().stream(2);
        if (plain) {
          x2.fill(0);
        } else {
          x2.copyFrom(s);
        }
        pass.forward(2, 2);
        addLosses(s);
        if (plain) {
          seedTangents();
        }
        losses.dropNonFinite(
            pass,
            seed); // a row that fails in a later slice has counted in the gradient of those before
        if (gradients != null) {
          pass.backwardAfterScore(seed, gradients);
          gradients.finish();
        }
      }
    }

    /** φ2 - ½‖s‖² with x2 = s, or φ2 + ½φ1² with x2 = 0, and the energy. */
    private void addLosses(Matrix s) {
      double[] loss = losses.array();
      double[] phi0 = pass.density().order(0).doubles();
      double[] phi1 = pass.density().order(1).doubles();
      double[] phi2 = pass.density().order(2).doubles();
      if (!plain) {
        kernels.addRowDots(-0.5 * weight / slices, s, s, losses());
      }
      for (int r = 0; r < loss.length; r++) {
        double value = plain ? 0.5 * phi1[r] * phi1[r] + phi2[r] : phi2[r];
        loss[r] += (weight * value - energyWeight * phi0[r]) / slices;
      }
    }

    private void seedTangents() {
      System.arraycopy(
          pass.density().order(1).doubles(), 0, seed.order(1).doubles(), 0, pass.rows());
    }
  }
}
