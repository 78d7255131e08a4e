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
 * Denoising score matching: ½‖s(x̃) + ε/σ‖²/D + (λ/C)·E(x̃) with x̃ = x + σε, ε standard normal.
 * Its target is the score of the noised data. Rows 2i and 2i + 1 of a batch have opposite ε. This
 * leaves the expected loss and gradient unchanged and lowers the gradient's variance
 * (docs/decisions/0008-antithetic-noise.md).
 *
 * <p>Source: Vincent 2011; Chao et al. 2023, equation 11. Gradient: with r = s + ε/σ held constant,
 * it is that of φ1 with x1 = r (docs/derivations/objectives.md).
 *
 * <p>σ may be {@linkplain AnnealedNoise annealed}. Wide noise shows how much mass lies where,
 * narrow noise the details.
 *
 * @param sigma standard deviation σ of the noise, in preprocessed units; of the last steps where it
 *     is annealed
 * @param startSigma σ₀; {@code sigma} in its place where annealSteps is 0
 * @param annealSteps T, 0 for one σ in all steps
 * @param energyWeight weight λ/C of the energy
 * @param scale normalisation
 */
public record DenoisingScoreMatching(
    double sigma, double startSigma, long annealSteps, double energyWeight, LossScale scale)
    implements Objective {
  /** With one σ in all steps. */
  public DenoisingScoreMatching(double sigma, double energyWeight, LossScale scale) {
    this(sigma, sigma, 0, energyWeight, scale);
  }

  /** Refuses impossible values. */
  public DenoisingScoreMatching {
    requirePositive("sigma", sigma);
    requirePositive("start_sigma", startSigma);
    if (annealSteps < 0) {
      throw new IllegalArgumentException(
          "anneal_steps is " + annealSteps + ", expected at least 0");
    }
    if (annealSteps == 0) {
      startSigma = sigma;
    }
    EnergyTerm.requireWeight(energyWeight);
  }

  private static void requirePositive(String name, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(name + " is " + value + ", expected a positive number");
    }
  }

  /** σ of that step, counted from 0. */
  public double sigmaAt(long step) {
    return annealed().at(step);
  }

  private AnnealedNoise annealed() {
    return new AnnealedNoise(sigma, startSigma, annealSteps);
  }

  @Override
  public String name() {
    return "dsm";
  }

  @Override
  public ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, BatchShare share) {
    FlowPass[] passes = FlowPass.forTeam(flow, compute, team, share.rows(), 1);
    ObjectivePass[] result = new ObjectivePass[passes.length];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] = new Pass(flow, compute, passes[rank], share);
    }
    return result;
  }

  private final class Pass extends BatchPass {
    private final FlowPass pass;
    private final RowKernels kernels;
    private final Matrix epsilon;
    private final LogDet seed;
    private final double weight;
    private final AnnealedNoise annealed = annealed();
    private double stepSigma = annealed.at(0);

    Pass(Flow flow, Compute compute, FlowPass pass, BatchShare share) {
      super(flow, pass.rows(), share);
      this.pass = pass;
      this.kernels = compute.kernels().rows();
      this.epsilon = Matrix.allocate(flow.precision(), pass.rows(), flow.dimension());
      this.weight = scale == LossScale.PER_DIMENSION ? 1.0 / flow.dimension() : 1;
      this.seed = pass.newSeed();
    }

    @Override
    public Matrix noise(int draw) {
      return epsilon;
    }

    @Override
    public void draw(Noise noise, long step) {
      stepSigma = annealed.at(step);
      int firstRow = share.first() + pass.firstRow();
      noise.antithetic(NoisePurpose.OBJECTIVE, step, firstRow, epsilon);
    }

    @Override
    public void evaluate(@Nullable Gradients gradients) {
      kernels.combine(1, data, stepSigma, epsilon, pass.input().stream(0)); // x̃ = x + σε
      pass.forward(0, 0);
      Matrix residual = pass.input().stream(1);
      kernels.combine(1, pass.score(), 1 / stepSigma, epsilon, residual); // r = s + ε/σ
      pass.forward(1, 1);
      losses.begin();
      seed.fill(0, -energyWeight / weight);
      seed.fill(1, 1);
      kernels.addRowDots(0.5 * weight, residual, residual, losses());
      double[] loss = losses.array();
      double[] phi0 = pass.density().order(0).doubles();
      for (int r = 0; r < loss.length; r++) {
        loss[r] -= energyWeight * phi0[r];
      }
      losses.dropNonFinite(pass, seed);
      if (gradients != null) {
        gradients.begin(weight / share.batch());
        pass.backwardAfterScore(seed, gradients);
        gradients.finish();
      }
    }
  }
}
