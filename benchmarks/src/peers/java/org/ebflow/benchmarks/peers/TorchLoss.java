package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.empty;
import static org.bytedeco.pytorch.global.torch.randn;

import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.ebflow.training.objective.Objective;

/** A loss of a flow as a scalar tensor that gradients can be taken of: a mean over the batch. */
@FunctionalInterface
interface TorchLoss {
  /** Of preprocessed rows, which may be overwritten, and the loss's own noise, [batch,dimension] each. */
  Tensor of(Tensor x, Tensor noise);

  /** In a form of {@link Peers}. */
  static TorchLoss of(String form, TorchFlow flow, Objective objective) {
    return form.equals(Peers.EXPLICIT)
        ? new ExplicitLoss((TorchFullyConnected) flow, objective)
        : new AutogradLoss(flow, objective);
  }

  /** ±1, standard normal, or uniform on the unit sphere, as the loss wants it; [batch,dimension]. */
  static Tensor noise(String loss, long batch, long dimension) {
    return switch (loss) {
      case "ssm" ->
          empty(batch, dimension)
              .random_(0, new LongOptional(2))
              .mul_(new Scalar(2.0))
              .sub_(new Scalar(1.0));
      case "dsm" -> randn(batch, dimension);
      case "fdssm" -> {
        Tensor n = randn(batch, dimension);
        yield n.div_(n.square().sum(1).sqrt_().unsqueeze(1));
      }
      default -> empty(0);
    };
  }

  /** A sum over the batch and dimensions as a mean over both. */
  static Tensor perDimension(Tensor sum, Tensor x) {
    return sum.mul(new Scalar(1.0 / x.numel()));
  }
}
