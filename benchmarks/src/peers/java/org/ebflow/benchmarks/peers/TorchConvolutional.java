package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.sigmoid;
import static org.bytedeco.pytorch.global.torch.softplus;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.ConvolutionalConfig;

/** Blocks of convolutions with smooth leaky ReLUs between, and a squeeze between the blocks. */
final class TorchConvolutional implements TorchFlow {
  private static final Scalar HALF = new Scalar(0.5);

  private final Shape shape;
  private final TorchImages images;
  private final int convolutions;
  private final List<Tensor> parameters = new ArrayList<>();
  private final List<Tensor> directions = new ArrayList<>();
  private final Scalar linear;
  private final Scalar leastSlope;
  private final Scalar rest;

  /** With negated identities as weights and biases of zero. */
  TorchConvolutional(ConvolutionalConfig config, Shape shape, TorchImages images) {
    this.shape = shape;
    this.images = images;
    this.convolutions = config.convolutions();
    double least = config.alpha() + (config.residual() ? 1 : 0);
    linear = new Scalar(least);
    leastSlope = new Scalar(least);
    rest = new Scalar(1 - config.alpha());
    int middle = config.side() / 2;
    long channels = shape.channels();
    for (int i = 0; i < config.blocks() * convolutions; i++) {
      if (i > 0 && i % convolutions == 0) {
        channels *= 4;
      }
      Tensor weight = images.parameter(channels, channels, config.side(), config.side());
      try (NoGradGuard _ = new NoGradGuard()) {
        weight.select(2, middle).select(2, middle).fill_diagonal_(new Scalar(-1.0));
      }
      parameters.add(weight);
      parameters.add(images.parameter(channels));
      if (config.spectralNormalisation()) {
        directions.add(randn(channels));
      }
    }
  }

  @Override
  public List<Tensor> parameters() {
    return parameters;
  }

  @Override
  public List<Tensor> directions() {
    return directions;
  }

  /** Divided by an estimate of its largest singular value after one more power iteration. */
  private static Tensor normalised(Tensor weight, Tensor u) {
    Tensor matrix = TorchFlow.asBlock(weight).reshape(weight.size(0), -1);
    Tensor v;
    try (NoGradGuard _ = new NoGradGuard()) {
      v = matrix.t().mv(u);
      v.div_(v.norm());
      u.copy_(matrix.mv(v));
      u.div_(u.norm());
    }
    return weight.div(u.dot(matrix.mv(v)));
  }

  @Override
  public Tensor logDensity(Tensor rows) {
    Tensor x = images.of(rows, shape);
    Tensor logDet = null;
    for (int i = 0; 2 * i < parameters.size(); i++) {
      if (i > 0) {
        Tensor own = TorchImages.sum(sigmoid(x).mul(rest).add(leastSlope).log());
        logDet = logDet == null ? own : logDet.add(own);
        x = x.mul(linear).add(softplus(x), rest);
        if (i % convolutions == 0) {
          x = images.squeeze(x);
        }
      }
      Tensor weight = parameters.get(2 * i);
      Tensor used = directions.isEmpty() ? weight : normalised(weight, directions.get(i));
      x = TorchImages.convolve(x, used, parameters.get(2 * i + 1));
    }
    Tensor base = TorchImages.sum(x.square()).mul(HALF);
    return logDet == null ? base.neg() : logDet.sub(base);
  }
}
