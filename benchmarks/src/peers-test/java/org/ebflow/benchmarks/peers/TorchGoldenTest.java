package org.ebflow.benchmarks.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.pytorch.global.torch.grad;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.ebflow.flow.Flow;
import org.ebflow.flow.model.ConvolutionalConfig;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.golden.GoldenCase;
import org.ebflow.golden.GoldenFlows;
import org.ebflow.golden.GoldenGlow;
import org.ebflow.linalg.Matrix;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses and gradients of libtorch's flows of images against reference values, in float64. */
class TorchGoldenTest {
  /** Relative to the loss. */
  private static final double LOSS_TOLERANCE = 1e-9;

  /** Relative to the largest element of a gradient's block. */
  private static final double GRADIENT_TOLERANCE = 1e-7;

  static Stream<Arguments> cases() {
    return Stream.of("ssm", "dsm")
        .flatMap(
            loss ->
                Stream.of(MemoryFormat.Contiguous, MemoryFormat.ChannelsLast)
                    .map(format -> Arguments.of(loss, format)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void convolutionalFlowMatchesTheReference(String loss, MemoryFormat format) {
    GoldenCase golden = GoldenCase.open("cnn8");
    Flow weights = GoldenFlows.convolutional(golden);
    TorchFlow flow =
        new TorchConvolutional(
            new ConvolutionalConfig(
                2, 2, (int) golden.hyper("kernel"), golden.hyper("alpha"), golden.residual()),
            GoldenFlows.dataShape(golden),
            new TorchImages(format, ScalarType.Double));
    int[] channels = GoldenFlows.identity(golden.dataShape(0));

    TorchStep.Gradient gradient =
        gradient(
            flow,
            weights,
            objective(golden, loss),
            GoldenFlows.channelsLast(golden.matrix("x"), channels),
            GoldenFlows.channelsLast(golden.matrix("noise_" + loss), channels));

    assertLoss(gradient, golden.values("loss_" + loss)[0]);
    int i = 0;
    for (String name : weights.parameters().byName().keySet()) {
      assertGradient(
          name,
          gradient.ofParameters().get(i++),
          GoldenFlows.convolutionalValues(golden, "grad_" + loss + ".", name));
    }
  }

  /** The reference counts ActNorm into the energy. */
  @ParameterizedTest
  @MethodSource("cases")
  void glowMatchesTheReference(String loss, MemoryFormat format) {
    GoldenGlow glow = GoldenGlow.open();
    GoldenCase golden = glow.golden();
    Flow weights = glow.flow();
    TorchFlow flow =
        new TorchGlow(
            new GlowConfig(
                (int) golden.hyper("num_blocks"),
                (int) golden.hyper("block_size"),
                (int) golden.hyper("width")),
            GoldenFlows.dataShape(golden),
            new TorchImages(format, ScalarType.Double));

    TorchStep.Gradient gradient =
        gradient(
            flow,
            weights,
            objective(golden, loss),
            glow.rows("x"),
            glow.rows("noise_" + loss));

    double weight = golden.loss(loss, "lambda") / golden.dataShape(0);
    double constant = 0;
    int i = 0;
    for (Map.Entry<String, Matrix> block : weights.parameters().byName().entrySet()) {
      String name = block.getKey();
      double perScale = weight * glow.actNormPixels(name);
      double[] reference = glow.weight("grad_" + loss, name);
      for (int c = 0; perScale > 0 && c < reference.length; c++) {
        reference[c] -= perScale;
        constant += perScale * block.getValue().get(0, c);
      }
      assertGradient(name, gradient.ofParameters().get(i++), reference);
    }
    assertLoss(gradient, golden.values("loss_" + loss)[0] - constant);
  }

  private static Objective objective(GoldenCase golden, String loss) {
    double energyWeight = golden.loss(loss, "lambda") / golden.dataShape(0);
    return loss.equals("ssm")
        ? new SlicedScoreMatching(1, false, energyWeight, LossScale.PER_DIMENSION)
        : new DenoisingScoreMatching(
            golden.loss(loss, "std"), energyWeight, LossScale.PER_DIMENSION);
  }

  private static TorchStep.Gradient gradient(
      TorchFlow flow, Flow weights, Objective objective, Matrix x, Matrix noise) {
    List<Matrix> blocks = List.copyOf(weights.parameters().byName().values());
    assertThat(flow.parameters()).hasSameSizeAs(blocks);
    try (NoGradGuard _ = new NoGradGuard()) {
      for (int i = 0; i < blocks.size(); i++) {
        TorchFlow.copyBlock(tensor(blocks.get(i)), flow.parameters().get(i));
      }
    }
    Tensor loss = TorchLoss.of(Peers.AUTOGRAD, flow, objective).of(tensor(x), tensor(noise));
    return new TorchStep.Gradient(
        loss,
        grad(
            new TensorVector(loss), new TensorVector(flow.parameters().toArray(Tensor[]::new))));
  }

  private static Tensor tensor(Matrix matrix) {
    double[] numbers =
        Arrays.stream(matrix.toRows()).flatMapToDouble(Arrays::stream).toArray();
    return Tensor.create(numbers, matrix.rows(), matrix.columns());
  }

  private static void assertLoss(TorchStep.Gradient gradient, double expected) {
    assertThat(gradient.loss().item_double())
        .isCloseTo(expected, within(LOSS_TOLERANCE * Math.abs(expected)));
  }

  private static void assertGradient(String name, Tensor gradient, double[] reference) {
    Tensor block = TorchFlow.asBlock(gradient).contiguous();
    double[] found = new double[(int) block.numel()];
    block.data_ptr_double().get(found);
    assertThat(found).as(name).hasSameSizeAs(reference);
    double scale = Arrays.stream(reference).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i])
          .as("%s, element %d", name, i)
          .isCloseTo(reference[i], within(GRADIENT_TOLERANCE * scale));
    }
  }
}
