package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.empty_like;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.benchmarks.TimedModel;

/** Does with libtorch what a {@link Reference} says, and compares. */
final class TorchCheck {
  private final Safetensors reference;
  private final TorchFlow flow;
  private final Map<String, Double> errors = new LinkedHashMap<>();

  private TorchCheck(Safetensors reference, TorchFlow flow) {
    this.reference = reference;
    this.flow = flow;
    try (NoGradGuard _ = new NoGradGuard()) {
      List<Tensor> parameters = flow.parameters();
      for (int i = 0; i < parameters.size(); i++) {
        TorchFlow.copyBlock(tensor("weights " + i), parameters.get(i));
      }
      List<Tensor> directions = flow.directions();
      for (int i = 0; i < directions.size(); i++) {
        TorchFlow.copyBlock(tensor("direction " + i), directions.get(i));
      }
    }
  }

  /**
   * Loss, gradient on the way from pixels to weights, and the update made with the library's own
   * gradient: the direction of RMSprop's first step is the gradient's sign, which no two programs
   * share where it is nearly zero.
   */
  static Errors step(String form, String loss, TimedModel model, Path file) {
    try (Safetensors reference = Safetensors.read(file)) {
      TorchCheck check = new TorchCheck(reference, TorchFlow.of(model, form));
      TorchStep step = new TorchStep(model, check.flow, form, loss);
      Tensor noise = reference.names().contains("noise") ? check.tensor("noise") : new Tensor();
      TorchStep.Gradient gradient =
          step.gradient(check.tensor("pixels"), noise);
      double ours = Double.parseDouble(reference.metadata().get(Reference.LOSS));
      check.errors.put("loss", Math.abs(gradient.loss().item_float() / ours - 1));
      List<Tensor> parameters = check.flow.parameters();
      Tensor[] before = new Tensor[parameters.size()];
      Tensor[] given = new Tensor[parameters.size()];
      for (int i = 0; i < given.length; i++) {
        before[i] = parameters.get(i).detach().clone();
        given[i] = empty_like(before[i]);
        TorchFlow.copyBlock(check.tensor("gradient " + i), given[i]);
        check.compare("gradient " + i, gradient.ofParameters().get(i), given[i]);
      }
      step.update(new TensorVector(given));
      for (int i = 0; i < given.length; i++) {
        check.compareChange("updated weight " + i, parameters.get(i).detach(), before[i]);
        check.compareChange("updated average " + i, step.averages().get(i), before[i]);
      }
      return new Errors(check.errors);
    }
  }

  /** log p of every row. */
  static Errors scores(TimedModel model, Path file) {
    try (Safetensors reference = Safetensors.read(file);
        NoGradGuard _ = new NoGradGuard()) {
      TorchFullyConnected flow = new TorchFullyConnected(model.dimension());
      TorchCheck check = new TorchCheck(reference, flow);
      TorchPixels pixels = new TorchPixels(model);
      Tensor ours = check.tensor("logProb");
      Tensor theirs = pixels.logProb(flow, check.tensor("pixels"), pixels.constant(flow));
      check.compare("logProb", theirs.view_as(ours).to(ScalarType.Double), ours);
      return new Errors(check.errors);
    }
  }

  private void compare(String name, Tensor theirs, Tensor ours) {
    double largest = theirs.sub(ours).abs().max().item_double();
    errors.put(name, largest / ours.square().mean().sqrt().item_double());
  }

  private void compareChange(String name, Tensor theirs, Tensor before) {
    Tensor blockBefore = TorchFlow.asBlock(before);
    Tensor ours = tensor(name).view_as(blockBefore).sub(blockBefore);
    compare(name, TorchFlow.asBlock(theirs).sub(blockBefore), ours);
  }

  private Tensor tensor(String name) {
    int rows = reference.rows(name);
    int columns = reference.columns(name);
    Matrix matrix = Matrix.allocate(reference.precision(name), rows, columns);
    reference.copyTo(name, matrix);
    return matrix.precision() == Precision.FLOAT32
        ? Tensor.create(matrix.floats(), rows, columns)
        : Tensor.create(matrix.doubles(), rows, columns);
  }
}
