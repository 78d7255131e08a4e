package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.empty;
import static org.bytedeco.pytorch.global.torch.eye;
import static org.bytedeco.pytorch.global.torch.linear;
import static org.bytedeco.pytorch.global.torch.ones;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.sigmoid;
import static org.bytedeco.pytorch.global.torch.slogdet;
import static org.bytedeco.pytorch.global.torch.softplus;

import java.util.List;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The published two-layer FC flow on tensors: dense, smooth leaky ReLU, dense; its preprocessing
 * and its noise. What takes part in a gradient is written out of place, the rest in place.
 */
final class TorchFlow {
  static final double ALPHA = 0.3;
  private static final double SMOOTHNESS = 0.5;
  private static final double LEVELS = 256;
  private static final double SHRINK = 1e-6;
  private static final double PIXEL_SCALE = (1 - 2 * SHRINK) / LEVELS;
  private static final double PIXEL_SHIFT = SHRINK * (1 - 2 * SHRINK);

  static final Scalar SLOPE = new Scalar(ALPHA);
  static final Scalar REST = new Scalar(1 - ALPHA);
  static final Scalar HALF = new Scalar(0.5);
  static final Scalar ONE = new Scalar(1.0);
  static final Scalar TWO = new Scalar(2.0);
  private static final Scalar SCALE = new Scalar(PIXEL_SCALE);
  private static final Scalar SHIFT = new Scalar(PIXEL_SHIFT);
  private static final Scalar STRETCH = new Scalar(1 / SMOOTHNESS);

  final long dimension;
  final Tensor weight1;
  final Tensor bias1;
  final Tensor weight2;
  final Tensor bias2;

  /** With the published initial weights, -I and 1. */
  TorchFlow(long dimension) {
    this.dimension = dimension;
    weight1 = eye(dimension).neg().requires_grad_(true);
    bias1 = ones(dimension).requires_grad_(true);
    weight2 = eye(dimension).neg().requires_grad_(true);
    bias2 = ones(dimension).requires_grad_(true);
  }

  /** In the order of the library's blocks. */
  List<Tensor> parameters() {
    return List.of(weight1, bias1, weight2, bias2);
  }

  /** log p without the layers' log-determinants and without the constant of the normal, [batch]. */
  Tensor logDensity(Tensor x) {
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

  /** Logits of dequantised pixels in [0,levels), in place. */
  static Tensor preprocess(Tensor pixels) {
    return pixels.mul_(SCALE).add_(SHIFT).logit_().mul_(STRETCH);
  }

  /** log p of dequantised pixels in [0,levels), which are overwritten, but for {@code constant}. */
  Tensor logProb(Tensor pixels, Tensor constant) {
    Tensor shrunk = pixels.mul_(SCALE).add_(SHIFT);
    Tensor lower = shrunk.log();
    Tensor upper = shrunk.neg_().log1p_();
    Tensor logDerivative = lower.add(upper).sum(1);
    return logDensity(lower.sub_(upper).mul_(STRETCH)).sub_(logDerivative).add_(constant);
  }

  /** The constant of {@link #logProb}: computed once. */
  Tensor scoringConstant() {
    return constant().add(new Scalar(dimension * Math.log(PIXEL_SCALE / SMOOTHNESS)));
  }

  /** ±1, standard normal, or uniform on the unit sphere, as the loss wants it; [batch,dimension]. */
  Tensor noise(String loss, long batch) {
    return switch (loss) {
      case "ssm" -> empty(batch, dimension).random_(0, new LongOptional(2)).mul_(TWO).sub_(ONE);
      case "dsm" -> randn(batch, dimension);
      case "fdssm" -> {
        Tensor n = randn(batch, dimension);
        yield n.div_(n.square().sum(1).sqrt_().unsqueeze(1));
      }
      default -> empty(0);
    };
  }
}
