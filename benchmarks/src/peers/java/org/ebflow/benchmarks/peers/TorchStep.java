package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.empty_like;
import static org.bytedeco.pytorch.global.torch.grad;
import static org.bytedeco.pytorch.global.torch.sqrt_out;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;

/**
 * A training step as a careful user of libtorch writes it: loss, gradient, RMSprop and moving
 * average in place, with one scratch tensor per parameter.
 */
final class TorchStep {
  private static final Scalar DECAY = new Scalar(0.99);
  private static final Scalar REST = new Scalar(0.01);
  private static final Scalar EPSILON = new Scalar(1e-8);
  private static final double AVERAGE_DECAY = 0.999;

  private final TorchFlow flow;
  private final TorchLoss loss;
  private final TensorVector parameters;
  private final List<Tensor> moments;
  private final List<Tensor> averages;
  private final List<Tensor> scratch;
  private final Scalar minusRate;
  private long updates;

  TorchStep(TorchFlow flow, TorchLoss loss, double rate) {
    this.flow = flow;
    this.loss = loss;
    this.parameters = new TensorVector(flow.parameters().toArray(Tensor[]::new));
    try (NoGradGuard _ = new NoGradGuard()) {
      moments = flow.parameters().stream().map(p -> zeros_like(p)).toList();
      averages = flow.parameters().stream().map(p -> p.clone()).toList();
      scratch = flow.parameters().stream().map(p -> empty_like(p)).toList();
    }
    minusRate = new Scalar(-rate);
  }

  /** The moving average of the parameters. */
  List<Tensor> averages() {
    return averages;
  }

  /** Loss and gradients, nothing updated. */
  Gradient gradient(Tensor x, Tensor noise) {
    Tensor value = loss.of(flow, x, noise);
    return new Gradient(value, grad(new TensorVector(value), parameters));
  }

  record Gradient(Tensor loss, TensorVector ofParameters) {}

  /** RMSprop and moving average. */
  void update(TensorVector gradients) {
    updates++;
    double decay = Math.min(AVERAGE_DECAY, (1.0 + updates) / (10.0 + updates));
    try (PointerScope _ = new PointerScope();
        NoGradGuard _ = new NoGradGuard()) {
      Scalar share = new Scalar(1 - decay);
      for (int i = 0; i < moments.size(); i++) {
        Tensor parameter = parameters.get(i);
        Tensor gradient = gradients.get(i);
        moments.get(i).mul_(DECAY).addcmul_(gradient, gradient, REST);
        Tensor root = sqrt_out(scratch.get(i), moments.get(i)).add_(EPSILON);
        parameter.addcdiv_(gradient, root, minusRate);
        averages.get(i).lerp_(parameter, share);
      }
    }
  }

  /** One whole step on dequantised pixels in [0,levels), which are overwritten. */
  double run(Tensor pixels, Tensor noise) {
    Gradient gradient = gradient(TorchFlow.preprocess(pixels), noise);
    update(gradient.ofParameters());
    return gradient.loss().item_float();
  }
}
