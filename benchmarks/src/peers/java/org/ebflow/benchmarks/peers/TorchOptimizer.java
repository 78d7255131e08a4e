package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.empty_like;
import static org.bytedeco.pytorch.global.torch.sqrt_out;
import static org.bytedeco.pytorch.global.torch.zeros_like;

import java.util.List;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.optimizer.Optimizer;
import org.ebflow.training.optimizer.RmsProp;

/** RMSprop or Adam with a moving average, in place, with one scratch tensor per parameter. */
final class TorchOptimizer {
  private static final double AVERAGE_DECAY = 0.999;

  private final Optimizer settings;
  private final List<Tensor> parameters;
  private final List<Tensor> means;
  private final List<Tensor> squares;
  private final List<Tensor> averages;
  private final List<Tensor> scratch;
  private final double rate;
  private long updates;

  TorchOptimizer(Optimizer settings, List<Tensor> parameters, double rate) {
    this.settings = settings;
    this.parameters = parameters;
    this.rate = rate;
    try (NoGradGuard _ = new NoGradGuard()) {
      means = settings instanceof Adam ? parameters.stream().map(p -> zeros_like(p)).toList() : List.of();
      squares = parameters.stream().map(p -> zeros_like(p)).toList();
      averages = parameters.stream().map(p -> p.clone()).toList();
      scratch = parameters.stream().map(p -> empty_like(p)).toList();
    }
  }

  List<Tensor> averages() {
    return averages;
  }

  /** Moves parameters and average; gradients are overwritten where weights decay. */
  void update(TensorVector gradients) {
    updates++;
    switch (settings) {
      case RmsProp rmsProp -> rmsProp(rmsProp, gradients);
      case Adam adam -> adam(adam, gradients);
      default -> throw new IllegalArgumentException("no optimizer " + settings.name());
    }
    double decay = Math.min(AVERAGE_DECAY, (1.0 + updates) / (10.0 + updates));
    Scalar share = new Scalar(1 - decay);
    for (int i = 0; i < averages.size(); i++) {
      averages.get(i).lerp_(parameters.get(i), share);
    }
  }

  private void rmsProp(RmsProp rmsProp, TensorVector gradients) {
    Scalar decay = new Scalar(rmsProp.decay());
    Scalar rest = new Scalar(1 - rmsProp.decay());
    Scalar epsilon = new Scalar(rmsProp.epsilon());
    Scalar minusRate = new Scalar(-rate);
    for (int i = 0; i < parameters.size(); i++) {
      Tensor gradient = decayed(rmsProp.weightDecay(), gradients.get(i), parameters.get(i));
      squares.get(i).mul_(decay).addcmul_(gradient, gradient, rest);
      Tensor root = sqrt_out(scratch.get(i), squares.get(i)).add_(epsilon);
      parameters.get(i).addcdiv_(gradient, root, minusRate);
    }
  }

  private void adam(Adam adam, TensorVector gradients) {
    Scalar meanRest = new Scalar(1 - adam.beta1());
    Scalar decay = new Scalar(adam.beta2());
    Scalar rest = new Scalar(1 - adam.beta2());
    Scalar epsilon = new Scalar(adam.epsilon());
    Scalar root2 = new Scalar(1 / Math.sqrt(1 - Math.pow(adam.beta2(), updates)));
    Scalar minusRate = new Scalar(-rate / (1 - Math.pow(adam.beta1(), updates)));
    for (int i = 0; i < parameters.size(); i++) {
      Tensor gradient = decayed(adam.weightDecay(), gradients.get(i), parameters.get(i));
      means.get(i).lerp_(gradient, meanRest);
      squares.get(i).mul_(decay).addcmul_(gradient, gradient, rest);
      Tensor root = sqrt_out(scratch.get(i), squares.get(i)).mul_(root2).add_(epsilon);
      parameters.get(i).addcdiv_(means.get(i), root, minusRate);
    }
  }

  private static Tensor decayed(double weightDecay, Tensor gradient, Tensor parameter) {
    return weightDecay == 0 ? gradient : gradient.add_(parameter, new Scalar(weightDecay));
  }
}
