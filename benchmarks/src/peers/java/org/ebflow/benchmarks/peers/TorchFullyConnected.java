package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.eye;
import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.ones;
import static org.bytedeco.pytorch.global.torch.sigmoid;
import static org.bytedeco.pytorch.global.torch.slogdet;
import static org.bytedeco.pytorch.global.torch.softplus;

import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** The published two-layer FC flow: dense, smooth leaky ReLU, dense. */
final class TorchFullyConnected implements TorchFlow {
  static final double ALPHA = 0.3;

  static final Scalar SLOPE = new Scalar(ALPHA);
  static final Scalar REST = new Scalar(1 - ALPHA);
  static final Scalar HALF = new Scalar(0.5);
  static final Scalar ONE = new Scalar(1.0);
  static final Scalar TWO = new Scalar(2.0);

  final long dimension;
  final Tensor weight1;
  final Tensor bias1;
  final Tensor weight2;
  final Tensor bias2;

  /** With the published initial weights, -I and 1. */
  TorchFullyConnected(long dimension) {
    this.dimension = dimension;
    weight1 = eye(dimension).neg().requires_grad_(true);
    bias1 = ones(dimension).requires_grad_(true);
    weight2 = eye(dimension).neg().requires_grad_(true);
    bias2 = ones(dimension).requires_grad_(true);
  }

  @Override
  public List<Tensor> parameters() {
    return List.of(weight1, bias1, weight2, bias2);
  }

  @Override
  public Tensor logDensity(Tensor x) {
    Tensor a = linear(x, weight1, bias1);
    Tensor slope = sigmoid(a).mul(REST).add(SLOPE);
    Tensor y = a.mul(SLOPE).add(softplus(a), REST);
    Tensor z = linear(y, weight2, bias2);
    return slope.log().sum(1).sub(z.square().sum(1), HALF);
  }

  /** What {@link #logDensity} leaves out. */
  Tensor constant() {
    return slogdet(weight1)
        .get1()
        .add(slogdet(weight2).get1())
        .sub(new Scalar(0.5 * dimension * Math.log(2 * Math.PI)));
  }
}
