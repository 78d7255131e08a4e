package org.ebflow.benchmarks.peers;

import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.ebflow.benchmarks.TimedModel;
import org.ebflow.flow.model.ConvolutionalConfig;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.flow.model.ModelConfig;

/** A flow on tensors. What takes part in a gradient is written out of place, the rest in place. */
interface TorchFlow {
  /** In the order of the library's blocks. */
  List<Tensor> parameters();

  /** Directions u of spectral normalisation, [out] each: moved by {@link #logDensity}. */
  default List<Tensor> directions() {
    return List.of();
  }

  /**
   * log p without the log-determinants of layers whose Jacobian is constant and without the
   * constant of the normal, [batch].
   *
   * @param rows [batch,dimension], images with their channels last
   */
  Tensor logDensity(Tensor rows);

  /** The model of a recipe with its published start, as a form of {@link Peers} has it. */
  static TorchFlow of(TimedModel model, String form) {
    ModelConfig config = model.recipe("ssm").modelConfig();
    return switch (config) {
      case FullyConnectedConfig _ -> new TorchFullyConnected(model.dimension());
      case ConvolutionalConfig cnn ->
          new TorchConvolutional(cnn, model.input(), images(form));
      case GlowConfig glow -> new TorchGlow(glow, model.input(), images(form));
      default -> throw new IllegalArgumentException("no model " + config.type());
    };
  }

  private static TorchImages images(String form) {
    return new TorchImages(
        form.equals(Peers.CHANNELS_LAST) ? MemoryFormat.ChannelsLast : MemoryFormat.Contiguous,
        ScalarType.Float);
  }

  /**
   * A parameter, or what has its shape, as the library's block has its numbers: convolutions [out,
   * height, width, in].
   */
  static Tensor asBlock(Tensor parameter) {
    return parameter.dim() == 4 ? parameter.permute(0, 2, 3, 1) : parameter;
  }

  /** Copies the numbers of one of the library's blocks to a parameter, or to what has its shape. */
  static void copyBlock(Tensor numbers, Tensor parameter) {
    Tensor block = asBlock(parameter);
    block.copy_(numbers.view_as(block));
  }
}
