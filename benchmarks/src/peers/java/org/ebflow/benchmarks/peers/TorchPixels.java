package org.ebflow.benchmarks.peers;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.ebflow.benchmarks.TimedModel;

/** Preprocessing of dequantised pixels in [0,levels). */
final class TorchPixels {
  private static final double LEVELS = 256;
  private static final double SHRINK = 1e-6;
  private static final double PIXEL_SCALE = (1 - 2 * SHRINK) / LEVELS;
  private static final double PIXEL_SHIFT = SHRINK * (1 - 2 * SHRINK);
  private static final Scalar SCALE = new Scalar(PIXEL_SCALE);
  private static final Scalar SHIFT = new Scalar(PIXEL_SHIFT);

  private final double smoothness;
  private final Scalar stretch;

  /** Of that model's recipes. */
  TorchPixels(TimedModel model) {
    smoothness = model.smoothness();
    stretch = new Scalar(1 / smoothness);
  }

  /** Logits, in place. */
  Tensor logits(Tensor pixels) {
    return pixels.mul_(SCALE).add_(SHIFT).logit_().mul_(stretch);
  }

  /** log p of pixels, which are overwritten, but for {@code constant}. */
  Tensor logProb(TorchFlow flow, Tensor pixels, Tensor constant) {
    Tensor shrunk = pixels.mul_(SCALE).add_(SHIFT);
    Tensor lower = shrunk.log();
    Tensor upper = shrunk.neg_().log1p_();
    Tensor logDerivative = lower.add(upper).sum(1);
    return flow.logDensity(lower.sub_(upper).mul_(stretch)).sub_(logDerivative).add_(constant);
  }

  /** The constant of {@link #logProb}: computed once. */
  Tensor constant(TorchFullyConnected flow) {
    return flow.constant().add(new Scalar(flow.dimension * Math.log(PIXEL_SCALE / smoothness)));
  }
}
