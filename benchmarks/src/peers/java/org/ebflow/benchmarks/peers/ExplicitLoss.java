package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.mm;
import static org.bytedeco.pytorch.global.torch.sigmoid;
import static org.bytedeco.pytorch.global.torch.softplus;
import static org.ebflow.benchmarks.peers.TorchFullyConnected.HALF;
import static org.ebflow.benchmarks.peers.TorchFullyConnected.ONE;
import static org.ebflow.benchmarks.peers.TorchFullyConnected.REST;
import static org.ebflow.benchmarks.peers.TorchFullyConnected.SLOPE;
import static org.ebflow.benchmarks.peers.TorchFullyConnected.TWO;
import static org.ebflow.benchmarks.peers.TorchLoss.perDimension;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.SlicedScoreMatching;

/**
 * The score and the trace of the two-layer flow written out, so that first-order autodiff is
 * enough; with σ = 1 and no energy term.
 */
record ExplicitLoss(TorchFullyConnected flow, Objective objective) implements TorchLoss {
  @Override
  public Tensor of(Tensor x, Tensor noise) {
    return switch (objective) {
      case SlicedScoreMatching _ -> sliced(x, noise);
      case DenoisingScoreMatching _ -> denoising(x, noise);
      default -> throw new IllegalArgumentException("no loss " + objective.name());
    };
  }

  /** Six products by a weight, two of them stacked. */
  private Tensor sliced(Tensor x, Tensor v) {
    Tensor w1 = flow.weight1;
    Tensor w2 = flow.weight2;
    TensorVector first = mm(cat(new TensorVector(x, v)), w1.t()).chunk(2);
    Tensor a = first.get(0).add(flow.bias1);
    Tensor u = first.get(1);
    Activation at = new Activation(a);
    TensorVector second = mm(cat(new TensorVector(at.value, at.slope.mul(u))), w2.t()).chunk(2);
    Tensor z = second.get(0).add(flow.bias2);
    Tensor z1 = second.get(1);
    Tensor back = mm(z, w2); // minus the score's cotangent of the activation
    Tensor s = mm(at.logSlope1.sub(at.slope.mul(back)), w1);
    Tensor logSlope2 = at.logSlope1.mul(at.odd.sub(at.logSlope1));
    Tensor curvature = logSlope2.sub(at.slope1.mul(back));
    Tensor trace = curvature.mul(u.square()).sum().sub(z1.square().sum());
    return perDimension(s.square().sum().mul(HALF).add(trace), x);
  }

  /** Four products by a weight. */
  private Tensor denoising(Tensor x, Tensor epsilon) {
    Activation at = new Activation(linear(x.add_(epsilon), flow.weight1, flow.bias1));
    Tensor back = mm(linear(at.value, flow.weight2, flow.bias2), flow.weight2);
    Tensor s = mm(at.logSlope1.sub(at.slope.mul(back)), flow.weight1);
    return perDimension(s.add(epsilon).square().sum().mul(HALF), x);
  }

  /** Smooth leaky ReLU with its derivatives. */
  private static final class Activation {
    final Tensor value;
    final Tensor slope;

    /** 1 - 2 sigmoid. */
    final Tensor odd;

    /** Derivative of the slope. */
    final Tensor slope1;

    /** Derivative of the logarithm of the slope. */
    final Tensor logSlope1;

    Activation(Tensor a) {
      Tensor q = sigmoid(a);
      value = a.mul(SLOPE).add(softplus(a), REST);
      slope = q.mul(REST).add(SLOPE);
      odd = q.mul(TWO).neg().add(ONE);
      slope1 = q.sub(q.square()).mul(REST);
      logSlope1 = slope1.div(slope);
    }
  }
}
