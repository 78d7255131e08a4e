package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.ebflow.benchmarks.peers.TorchLoss.perDimension;

import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.FiniteDifferenceScoreMatching;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.SlicedScoreMatching;

/** The published formulation: scores and their derivatives by nested reverse autodiff. */
record AutogradLoss(TorchFlow flow, Objective objective) implements TorchLoss {
  private static final Scalar HALF = new Scalar(0.5);
  private static final Scalar TWO = new Scalar(2.0);

  @Override
  public Tensor of(Tensor x, Tensor noise) {
    return switch (objective) {
      case SlicedScoreMatching ssm -> sliced(x, noise, ssm.energyWeight());
      case DenoisingScoreMatching dsm -> denoising(x, noise, dsm.sigma(), dsm.energyWeight());
      case FiniteDifferenceScoreMatching _ -> finiteDifferences(x, noise);
      case MaximumLikelihood _ -> likelihood(x);
      default -> throw new IllegalArgumentException("no loss " + objective.name());
    };
  }

  private Tensor sliced(Tensor x, Tensor v, double energyWeight) {
    x.requires_grad_(true);
    Tensor density = flow.logDensity(x);
    Tensor s = gradient(density.sum(), x);
    Tensor hv = gradient(s.mul(v).sum(), x);
    Tensor loss = perDimension(s.square().sum().mul(HALF).add(hv.mul(v).sum()), x);
    return withEnergy(loss, density, x.size(1), energyWeight);
  }

  private Tensor denoising(Tensor x, Tensor epsilon, double sigma, double energyWeight) {
    Tensor noised = x.add_(epsilon, new Scalar(sigma)).requires_grad_(true);
    Tensor density = flow.logDensity(noised);
    Tensor s = gradient(density.sum(), noised);
    Tensor difference = s.add(epsilon, new Scalar(1 / sigma));
    Tensor loss = perDimension(difference.square().sum().mul(HALF), x);
    return withEnergy(loss, density, x.size(1), energyWeight);
  }

  /** The energy has the constant of the normal. */
  private static Tensor withEnergy(Tensor loss, Tensor density, long dimension, double weight) {
    double constant = 0.5 * dimension * Math.log(2 * Math.PI);
    return weight == 0
        ? loss
        : loss.sub(density.mean(), new Scalar(weight)).add(new Scalar(weight * constant));
  }

  /** With ξ = 1. */
  private Tensor finiteDifferences(Tensor x, Tensor v) {
    Tensor density = flow.logDensity(cat(new TensorVector(x, x.add(v), x.sub(v))));
    TensorVector parts = density.chunk(3);
    Tensor center = parts.get(0);
    Tensor plus = parts.get(1);
    Tensor minus = parts.get(2);
    return minus
        .sub(plus)
        .square()
        .mul(new Scalar(1.0 / 8))
        .add(plus)
        .add(minus)
        .sub(center, TWO)
        .mean();
  }

  private Tensor likelihood(Tensor x) {
    return flow.logDensity(x)
        .mean()
        .add(((TorchFullyConnected) flow).constant())
        .neg();
  }

  /** Gradient that can itself be differentiated. */
  private static Tensor gradient(Tensor scalar, Tensor x) {
    return torch
        .grad(
            new TensorVector(scalar),
            new TensorVector(x),
            new TensorVector(),
            new BoolOptional(),
            true,
            false)
        .get(0);
  }
}
