package org.ebflow.training.objective;

import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.jspecify.annotations.Nullable;

/**
 * Finite-difference sliced score matching: ( (E₊-E₋)²/8 - E₊ - E₋ + (2+λ)E₀ )/ξ², E± = E(x ± v), v
 * uniform on the sphere of radius ξ. It needs energies only, no score.
 *
 * <p>Source: Pang et al. 2020, equation 11; Chao et al. 2023, equation 12. The published 2-D code
 * multiplies by the dimension.
 *
 * <p>Cost: one pass of order 0 over three points per row. The leading layers with constant Jacobian
 * take the 1-jet (x, v) in place of the three points, since W(x±v) = Wx ± Wv; so do their weight
 * gradients (docs/derivations/objectives.md).
 *
 * <p>Numerics: energies of nearly equal size are subtracted. They are summed in float64, from
 * streams in the training precision.
 *
 * @param radius ξ, in preprocessed units
 * @param energyWeight λ
 * @param scale normalisation
 */
public record FiniteDifferenceScoreMatching(double radius, double energyWeight, LossScale scale)
    implements Objective {
  private static final int CENTER = 0;
  private static final int PLUS = 1;
  private static final int MINUS = 2;
  private static final int GROUPS = 3;

  /** Refuses impossible values. */
  public FiniteDifferenceScoreMatching {
    if (!(radius > 0 && radius < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("radius is " + radius + ", expected a positive number");
    }
    EnergyTerm.requireWeight(energyWeight);
  }

  @Override
  public String name() {
    return "fdssm";
  }

  /** False: rounding changes the energies by more than their difference. */
  @Override
  public boolean toleratesBFloat16() {
    return false;
  }

  @Override
  public ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, BatchShare share) {
    int prefix = flow.affinePrefix();
    if (prefix == flow.layers().size()) {
      prefix--; // something must be left to give energies
    }
    FlowPass[] lines = FlowPass.forTeam(flow.part(0, prefix), compute, team, share.rows(), 1);
    GroupedPass[] passes =
        GroupedPass.forTeam(
            flow.part(prefix, flow.layers().size()), compute, team, share.rows(), GROUPS);
    ObjectivePass[] result = new ObjectivePass[passes.length];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] = new Pass(flow, compute, lines[rank], passes[rank], share);
    }
    return result;
  }

  private final class Pass extends BatchPass implements GroupedPass.SampleSeed {
    private final RowKernels kernels;
    private final FlowPass line;
    private final GroupedPass grouped;
    private final Matrix directions;
    private final Matrix lengths;
    private final double weight;

    Pass(Flow flow, Compute compute, FlowPass line, GroupedPass grouped, BatchShare share) {
      super(flow, line.rows(), share);
      this.kernels = compute.kernels().rows();
      this.line = line;
      this.grouped = grouped;
      this.directions = Matrix.allocate(flow.precision(), line.rows(), flow.dimension());
      this.lengths = Matrix.allocate(Precision.FLOAT64, 1, line.rows());
      this.weight = (scale == LossScale.PER_SAMPLE ? flow.dimension() : 1) / (radius * radius);
    }

    @Override
    public Matrix noise(int draw) {
      return directions;
    }

    @Override
    public void draw(Noise noise, long step) {
      int firstRow = share.first() + line.firstRow();
      noise.gaussian(NoisePurpose.OBJECTIVE, step, firstRow, directions);
      lengths.fill(0);
      kernels.addRowDots(1, directions, directions, lengths);
      double[] length = lengths.doubles();
      for (int r = 0; r < length.length; r++) {
        length[r] = 1 / Math.sqrt(length[r]);
      }
      kernels.scaleRows(radius, lengths, directions, directions); // v = ξ n/‖n‖
    }

    @Override
    public void evaluate(@Nullable Gradients gradients) {
      line.input().stream(0).copyFrom(data);
      line.input().stream(1).copyFrom(directions);
      line.push(0, 1);
      Matrix center = line.output().stream(0);
      Matrix offset = line.output().stream(1);
      grouped.input(CENTER).copyFrom(center);
      kernels.combine(1, center, 1, offset, grouped.input(PLUS));
      kernels.combine(1, center, -1, offset, grouped.input(MINUS));
      grouped.barrier();
      grouped.forward();
      double[] loss = losses.array();
      losses.begin();
      for (int r = 0; r < loss.length; r++) {
        loss[r] =
            loss(
                -grouped.density(CENTER, r), -grouped.density(PLUS, r), -grouped.density(MINUS, r));
        if (losses.dropIfNonFinite(r)) {
          line.zeroRow(r);
        }
      }
      if (gradients != null) {
        gradients.begin(1.0 / share.batch());
        grouped.pass().backward(grouped.seed(this), true, gradients);
        grouped.barrier();
        Matrix centerBar = line.outputBar().stream(0);
        kernels.combine(1, grouped.inputBar(PLUS), 1, grouped.inputBar(MINUS), centerBar);
        kernels.combine(
            1, grouped.inputBar(CENTER), 1, centerBar, centerBar); // x, x+v and x-v all move with x
        kernels.combine(
            1, grouped.inputBar(PLUS), -1, grouped.inputBar(MINUS), line.outputBar().stream(1));
        line.pullBack(gradients);
        gradients.finish();
      }
    }

    private double loss(double center, double plus, double minus) {
      double difference = plus - minus;
      return weight * (difference * difference / 8 - plus - minus + (2 + energyWeight) * center);
    }

    @Override
    public double loss(double[] density, int sample) {
      int rows = share.rows();
      return loss(-density[sample], -density[rows + sample], -density[2 * rows + sample]);
    }

    /** dL/dℓ = -dL/dE, dL/dE± = weight·(±(E₊-E₋)/4 - 1), dL/dE₀ = weight·(2+λ). */
    @Override
    public double seed(double[] density, int group, int sample) {
      int rows = share.rows();
      double slope = (density[2 * rows + sample] - density[rows + sample]) / 4;
      return switch (group) {
        case CENTER -> -weight * (2 + energyWeight);
        case PLUS -> -weight * (slope - 1);
        default -> -weight * (-slope - 1);
      };
    }
  }
}
