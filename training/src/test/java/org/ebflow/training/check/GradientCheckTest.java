package org.ebflow.training.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Elementwise;
import org.ebflow.flow.layer.LuPointwiseConvolution;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.objective.FlowsUnderTest;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Sinh;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The check finds what is wrong and says where. */
class GradientCheckTest {
  private static final int DIMENSION = 5;

  /** A function with a mistake of a tenth in one of its derivatives, in none for order 0. */
  private record Mistaken(Elementwise right, int wrongOrder) implements Elementwise {
    private double with(int order, double value) {
      return order == wrongOrder ? 1.1 * value : value;
    }

    @Override
    public double value(double x) {
      return right.value(x);
    }

    @Override
    public double first(double x) {
      return with(1, right.first(x));
    }

    @Override
    public double second(double x) {
      return with(2, right.second(x));
    }

    @Override
    public double third(double x) {
      return with(3, right.third(x));
    }

    @Override
    public double fourth(double x) {
      return with(4, right.fourth(x));
    }

    @Override
    public double inverse(double y) {
      return right.inverse(y);
    }
  }

  private static Flow withSinh(int wrongOrder) {
    return Flow.of(DIMENSION)
        .dense()
        .elementwise(new Mistaken(new Sinh(), wrongOrder))
        .dense()
        .build();
  }

  private static List<String> off(GradientCheck.Report report) {
    return report.blocks().stream()
        .filter(block -> !block.passed())
        .map(GradientCheck.Block::name)
        .toList();
  }

  /** The last weight of a network, [4,1024], has rows that lie apart, two of which count. */
  @Test
  void networksOf1024UnitsPass() {
    Flow flow =
        new CouplingConfig(1, 1024, 1, Activation.Kind.SWISH, true).build(4, Precision.FLOAT64, 1);
    assertThat(GradientCheck.of(flow).run().orThrow().passed()).isTrue();
  }

  @Test
  void couplingsOfEveryTransformPass() {
    GradientCheck.Report report =
        GradientCheck.of(FlowsUnderTest.couplings(Precision.FLOAT64)).run().orThrow();
    assertThat(report.worstError()).isLessThanOrEqualTo(1e-6);
    assertThat(report.blocks())
        .extracting(GradientCheck.Block::name)
        .contains(
            "0.network.0.weight",
            "2.scale.0.beta",
            "2.scale.1.weight_g",
            "2.translation.weight",
            "4.translation.2.bias");
  }

  @Test
  void aMultiScaleFlowPassesInEveryBlockOfItsNestedLayers() {
    GradientCheck.Report report =
        GradientCheck.of(FlowsUnderTest.multiScale(new Shape(3, 4, 4), Precision.FLOAT64))
            .run()
            .orThrow();
    assertThat(report.blocks())
        .extracting(GradientCheck.Block::name)
        .contains(
            "1.translation.0.weight",
            "2.weight",
            "5.network.2.bias",
            "6.1.log_scale",
            "6.3.weight");
  }

  /** Its permutation and signs are blocks that no optimizer moves, and no check either. */
  @ParameterizedTest
  @ValueSource(ints = {2, 8, 16})
  void aPermutationStaysOne(int channels) {
    Shape image = new Shape(channels, 2, 1);
    Flow flow =
        Flow.of(image)
            .precision(Precision.FLOAT64)
            .layer(new LuPointwiseConvolution(image))
            .smoothLeakyRelu(.3)
            .build();

    assertThat(GradientCheck.of(flow).run().orThrow().worstError()).isLessThanOrEqualTo(1e-6);
    GradientCheck exact = GradientCheck.of(flow).objective(new MaximumLikelihood());
    assertThat(exact.run().orThrow().worstError()).isLessThanOrEqualTo(1e-6);
  }

  @Test
  void rightDerivativesPass() {
    GradientCheck.Report report = GradientCheck.of(withSinh(0)).run();

    assertThat(report.passed()).isTrue();
    assertThat(report.worstError()).isLessThanOrEqualTo(GradientCheck.TOLERANCE);
    assertThat(report.orThrow()).isSameAs(report);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void aWrongDerivativeOfAFunctionOfOnesOwnIsFoundInTheBlockBelowIt(int order) {
    GradientCheck.Report report = GradientCheck.of(withSinh(order)).run();

    assertThat(report.passed()).isFalse();
    assertThat(report.worstError()).isGreaterThan(GradientCheck.TOLERANCE);
    assertThat(off(report)).contains("0.weight");
    assertThatThrownBy(report::orThrow)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("ssm")
        .hasMessageContaining("0.weight");
  }

  @Test
  void theFourthDerivativeLeavesTheBlocksAboveItRight() {
    assertThat(off(GradientCheck.of(withSinh(4)).run())).containsExactly("0.weight", "0.bias");
  }

  @Test
  void aGradientCountedTwiceIsFoundInItsOwnBlocks() {
    Flow flow = Flow.of(DIMENSION).dense().layer(new FaultyDense(true)).dense().build();
    GradientCheck.Report report = GradientCheck.of(flow).run();

    assertThat(off(report)).contains("1.weight").doesNotContain("0.weight", "2.weight");
    assertThatThrownBy(report::orThrow)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("1.weight")
        .hasMessageNotContaining("0.weight");
  }

  @Test
  void aWrongInputCotangentIsFoundInTheBlocksBelow() {
    Flow flow = Flow.of(DIMENSION).dense().layer(new FaultyDense(false)).dense().build();
    GradientCheck.Report report = GradientCheck.of(flow).objective(new MaximumLikelihood()).run();

    assertThat(off(report)).containsExactly("0.weight", "0.bias");
    assertThatThrownBy(report::orThrow)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("ml")
        .hasMessageContaining("0.weight")
        .hasMessageNotContaining("1.weight");
  }

  /** A dense layer that adds its gradients twice, or takes the cotangent of y for that of x. */
  private static final class FaultyDense implements ConstantJacobian {
    private final Dense right = new Dense(DIMENSION);
    private final boolean twice;

    FaultyDense(boolean twice) {
      this.twice = twice;
    }

    @Override
    public void backward(
        Jet yBar,
        LogDet logDetBar,
        Workspace kept,
        Jet xBar,
        int toOrder,
        @Nullable Gradients gradients) {
      right.backward(yBar, logDetBar, kept, xBar, toOrder, gradients);
      if (twice && gradients != null) {
        right.backward(yBar, logDetBar, kept, xBar, -1, gradients);
      }
      for (int k = 0; !twice && k <= toOrder; k++) {
        xBar.stream(k).copyFrom(yBar.stream(k));
      }
    }

    @Override
    public List<Parameter> parameters() {
      return right.parameters();
    }

    @Override
    public double logAbsDeterminant(Parameters parameters, Blas blas) {
      return right.logAbsDeterminant(parameters, blas);
    }

    @Override
    public double addLogDetGradient(
        double factor, Parameters parameters, Blas blas, Gradients gradients) {
      return right.addLogDetGradient(factor, parameters, blas, gradients);
    }

    @Override
    public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
      right.forward(x, y, logDet, kept, fromOrder, toOrder);
    }

    @Override
    public void inverse(Matrix y, Matrix x, Workspace kept) {
      right.inverse(y, x, kept);
    }
  }

  @Test
  void aFlowWithoutWeightsIsRefusedSinceNothingWouldBeChecked() {
    Flow flow = Flow.of(3).smoothLeakyRelu(0.3).build();
    assertThatThrownBy(() -> GradientCheck.of(flow).run())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no weights");
  }
}
