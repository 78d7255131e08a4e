package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.elu;
import static org.bytedeco.pytorch.global.torch.leaky_relu;
import static org.bytedeco.pytorch.global.torch.linalg_qr;
import static org.bytedeco.pytorch.global.torch.randn;
import static org.bytedeco.pytorch.global.torch.relu;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.GlowConfig;

/**
 * Glow: blocks of a squeeze and steps (ActNorm, 1×1 convolution, affine coupling), between the
 * blocks a coupling and a split.
 */
final class TorchGlow implements TorchFlow {
  private static final Scalar HALF = new Scalar(0.5);
  private static final Scalar SLOPE = new Scalar(0.1);
  private static final Scalar BOUND = new Scalar(2.0);
  private static final Scalar SCALE_FACTOR = new Scalar(3.0);

  private final Shape shape;
  private final TorchImages images;
  private final boolean smooth;
  private final List<Block> blocks = new ArrayList<>();
  private final List<Tensor> parameters = new ArrayList<>();

  /** Its last block has no split. */
  private final class Block {
    final List<Step> steps = new ArrayList<>();
    final List<Coupling> split = new ArrayList<>();

    Block(long channels, int count, long width, boolean last) {
      for (int i = 0; i < count; i++) {
        steps.add(new Step(channels, width));
      }
      if (!last) {
        split.add(new Coupling(channels, width, false));
      }
    }
  }

  private final class Step {
    final Tensor translation;
    final Tensor logScale;
    final Tensor weight;
    final Coupling coupling;

    Step(long channels, long width) {
      translation = parameter(channels);
      logScale = parameter(channels);
      weight = parameter(channels, channels, 1, 1);
      try (NoGradGuard _ = new NoGradGuard()) {
        weight.copy_(linalg_qr(randn(channels, channels)).get0().view_as(weight));
      }
      coupling = new Coupling(channels, width, true);
    }

    Tensor forward(Tensor x, List<Tensor> logDets) {
      Tensor normed =
          x.sub(perChannel(translation)).mul(perChannel(logScale).neg().exp());
      return coupling.forward(TorchImages.convolve(normed, weight), logDets);
    }
  }

  /** The first half of the channels conditions the other. */
  private final class Coupling {
    final boolean leaky;
    final Tensor[] weights = new Tensor[3];
    final Tensor[] biases = new Tensor[3];
    final Tensor outputScale;

    Coupling(long channels, long width, boolean leaky) {
      this.leaky = leaky;
      long[] sizes = {channels / 2, width, width, channels};
      for (int i = 0; i < 3; i++) {
        int side = i == 1 ? 1 : 3;
        weights[i] = parameter(sizes[i + 1], sizes[i], side, side);
        biases[i] = parameter(sizes[i + 1]);
        if (i < 2) {
          double bound = 1 / Math.sqrt((double) sizes[i] * side * side);
          try (NoGradGuard _ = new NoGradGuard()) {
            weights[i].uniform_(-bound, bound, null);
          }
        }
      }
      outputScale = parameter(channels);
    }

    Tensor forward(Tensor x, List<Tensor> logDets) {
      TensorVector halves = x.chunk(2, 1);
      Tensor first = halves.get(0);
      Tensor h = activated(TorchImages.convolve(first, weights[0], biases[0]));
      h = activated(TorchImages.convolve(h, weights[1], biases[1]));
      h = TorchImages.convolve(h, weights[2], biases[2]);
      h = h.mul(perChannel(outputScale).mul(SCALE_FACTOR).exp());
      Tensor logScale = every2nd(h, 0).mul(HALF).tanh().mul(BOUND);
      logDets.add(TorchImages.sum(logScale));
      Tensor second = halves.get(1).mul(logScale.exp()).add(every2nd(h, 1));
      return cat(new TensorVector(first, second), 1);
    }

    private Tensor activated(Tensor h) {
      return smooth ? elu(h) : leaky ? leaky_relu(h, SLOPE) : relu(h);
    }
  }

  /** With random rotations, networks of couplings that give zero, and ActNorms that do nothing. */
  TorchGlow(GlowConfig config, Shape shape, TorchImages images) {
    this.shape = shape;
    this.images = images;
    smooth =
        switch (config.activation()) {
          case LEAKY_RELU -> false;
          case ELU -> true;
          default -> throw new IllegalArgumentException("no peer has " + config.activation());
        };
    long channels = shape.channels();
    for (int i = 0; i < config.blocks(); i++) {
      channels *= i == 0 ? 4 : 2;
      blocks.add(
          new Block(channels, config.steps(), config.width(), i == config.blocks() - 1));
    }
  }

  private Tensor parameter(long... sizes) {
    Tensor parameter = images.parameter(sizes);
    parameters.add(parameter);
    return parameter;
  }

  @Override
  public List<Tensor> parameters() {
    return parameters;
  }

  @Override
  public Tensor logDensity(Tensor rows) {
    Tensor x = images.of(rows, shape);
    List<Tensor> terms = new ArrayList<>();
    for (Block block : blocks) {
      x = images.squeeze(x);
      for (Step step : block.steps) {
        x = step.forward(x, terms);
      }
      for (Coupling coupling : block.split) {
        TensorVector parts = coupling.forward(x, terms).chunk(2, 1);
        terms.add(base(parts.get(1)));
        x = parts.get(0);
      }
    }
    terms.add(base(x));
    return terms.stream().reduce(Tensor::add).orElseThrow();
  }

  private static Tensor base(Tensor z) {
    return TorchImages.sum(z.square()).mul(HALF).neg();
  }

  private static Tensor perChannel(Tensor vector) {
    return vector.view(1, vector.size(0), 1, 1);
  }

  private static Tensor every2nd(Tensor x, long first) {
    return x.slice(1, new LongOptional(first), new LongOptional(), 2);
  }
}
