package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.grad;
import static org.bytedeco.pytorch.global.torch.stack;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.ebflow.benchmarks.TimedModel;
import org.ebflow.benchmarks.TimedStep;
import org.ebflow.training.recipe.Recipe;

/**
 * A training step as a careful user of libtorch writes it: loss, gradient, clipping, and the update
 * in place.
 */
final class TorchStep {
  private final TorchLoss loss;
  private final TorchPixels preprocessing;
  private final TensorVector parameters;
  private final TorchOptimizer optimizer;
  private final double clip;

  /** Of a model's recipe with that loss, in a form of {@link Peers}. */
  TorchStep(TimedModel model, TorchFlow flow, String form, String loss) {
    Recipe recipe = model.recipe(loss);
    this.loss = TorchLoss.of(form, flow, recipe.objective(model.dimension(), model.input()));
    preprocessing = new TorchPixels(model);
    parameters = new TensorVector(flow.parameters().toArray(Tensor[]::new));
    optimizer = new TorchOptimizer(recipe.optimizer(), flow.parameters(), TimedStep.RATE);
    clip = model.clip(loss);
  }

  /** The moving average of the parameters. */
  List<Tensor> averages() {
    return optimizer.averages();
  }

  /** Loss and gradients of dequantised pixels in [0,levels), which are overwritten; nothing updated. */
  Gradient gradient(Tensor pixels, Tensor noise) {
    Tensor value = loss.of(preprocessing.logits(pixels), noise);
    return new Gradient(value, grad(new TensorVector(value), parameters));
  }

  record Gradient(Tensor loss, TensorVector ofParameters) {}

  /** Clips the gradients, which are overwritten, and moves the parameters. */
  void update(TensorVector gradients) {
    try (PointerScope _ = new PointerScope();
        NoGradGuard _ = new NoGradGuard()) {
      if (clip > 0) {
        clip(gradients);
      }
      optimizer.update(gradients);
    }
  }

  private void clip(TensorVector gradients) {
    List<Tensor> norms = new ArrayList<>();
    for (int i = 0; i < gradients.size(); i++) {
      norms.add(gradients.get(i).norm());
    }
    double norm = stack(new TensorVector(norms.toArray(Tensor[]::new))).norm().item_double();
    if (norm > clip) {
      Scalar scale = new Scalar(clip / norm);
      for (int i = 0; i < gradients.size(); i++) {
        gradients.get(i).mul_(scale);
      }
    }
  }

  /** One whole step on dequantised pixels in [0,levels), which are overwritten. */
  double run(Tensor pixels, Tensor noise) {
    Gradient gradient = gradient(pixels, noise);
    update(gradient.ofParameters());
    return gradient.loss().item_float();
  }
}
