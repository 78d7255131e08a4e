package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.mm;
import static org.bytedeco.pytorch.global.torch.sigmoid;
import static org.bytedeco.pytorch.global.torch.softplus;
import static org.ebflow.benchmarks.peers.TorchFlow.HALF;
import static org.ebflow.benchmarks.peers.TorchFlow.ONE;
import static org.ebflow.benchmarks.peers.TorchFlow.REST;
import static org.ebflow.benchmarks.peers.TorchFlow.SLOPE;
import static org.ebflow.benchmarks.peers.TorchFlow.TWO;

import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Losses of the published MNIST FC recipes (σ = 1, ξ = 1) as a scalar tensor that gradients can be
 * taken of: means over the batch.
 */
@FunctionalInterface
interface TorchLoss {
  /** Of preprocessed rows and the loss's own noise, [batch,dimension] each. */
  Tensor of(TorchFlow flow, Tensor x, Tensor noise);

  /** By form (autograd or explicit) and loss. */
  static TorchLoss named(String form, String loss) {
    return switch (form + " " + loss) {
      case "autograd ssm" -> TorchLoss::ssm;
      case "autograd dsm" -> TorchLoss::dsm;
      case "autograd fdssm" -> TorchLoss::fdssm;
      case "autograd ml" -> TorchLoss::ml;
      case "explicit ssm" -> TorchLoss::explicitSsm;
      case "explicit dsm" -> TorchLoss::explicitDsm;
      default -> throw new IllegalArgumentException("no loss " + loss + " in form " + form);
    };
  }

  private static Tensor ssm(TorchFlow flow, Tensor x, Tensor v) {
    x.requires_grad_(true);
    Tensor s = gradient(flow.logDensity(x).sum(), x);
    Tensor hv = gradient(s.mul(v).sum(), x);
    return perDimension(s.square().sum().mul(HALF).add(hv.mul(v).sum()), x);
  }

  private static Tensor dsm(TorchFlow flow, Tensor x, Tensor epsilon) {
    Tensor noised = x.add_(epsilon).requires_grad_(true);
    Tensor s = gradient(flow.logDensity(noised).sum(), noised);
    return perDimension(s.add(epsilon).square().sum().mul(HALF), x);
  }

  private static Tensor fdssm(TorchFlow flow, Tensor x, Tensor v) {
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

  private static Tensor ml(TorchFlow flow, Tensor x, Tensor none) {
    return flow.logDensity(x).mean().add(flow.constant()).neg();
  }

  /** The score and vᵀHv of the two-layer flow written out: six products by a weight, two of them stacked. */
  private static Tensor explicitSsm(TorchFlow flow, Tensor x, Tensor v) {
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

  /** The score of the two-layer flow written out: four products by a weight. */
  private static Tensor explicitDsm(TorchFlow flow, Tensor x, Tensor epsilon) {
    Activation at = new Activation(linear(x.add_(epsilon), flow.weight1, flow.bias1));
    Tensor back = mm(linear(at.value, flow.weight2, flow.bias2), flow.weight2);
    Tensor s = mm(at.logSlope1.sub(at.slope.mul(back)), flow.weight1);
    return perDimension(s.add(epsilon).square().sum().mul(HALF), x);
  }

  /** Smooth leaky ReLU with its derivatives. */
  final class Activation {
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

  private static Tensor perDimension(Tensor sum, Tensor x) {
    return sum.mul(new Scalar(1.0 / x.numel()));
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
