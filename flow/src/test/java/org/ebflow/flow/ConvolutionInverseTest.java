package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;

import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A stack of 7×7 convolutions as the published one, back and forth. */
class ConvolutionInverseTest {
  private static final Shape IMAGE = new Shape(3, 16, 16);
  private static final Blas BLAS = Blas.named("openblas");

  /** Two blocks of two convolutions with activations, a squeeze between; noise on the weights. */
  private static Flow stack(Precision precision, double deviation) {
    Flow.Builder builder = Flow.of(IMAGE).precision(precision).seed(4);
    for (int block = 0; block < 2; block++) {
      for (int i = 0; i < 2; i++) {
        builder.layer(new Convolution(builder.shape(), 7));
        if (block == 0 || i == 0) {
          builder.layer(new SmoothLeakyRelu(.3, true));
        }
      }
      if (block == 0) {
        builder.layer(ColumnPermutation.squeeze(builder.shape()));
      }
    }
    Flow flow = builder.build();
    Noise noise = new Noise(5);
    int number = 0;
    for (Layer layer : flow.layers()) {
      if (layer instanceof Convolution convolution) {
        Matrix weight = flow.parameters().of(convolution.weight());
        Matrix draws = Matrix.allocate(Precision.FLOAT64, weight.rows(), weight.columns());
        noise.gaussian(101, number++, 0, draws);
        double scale = deviation / Math.sqrt(weight.columns());
        for (int r = 0; r < weight.rows(); r++) {
          for (int c = 0; c < weight.columns(); c++) {
            weight.set(r, c, weight.get(r, c) + scale * draws.get(r, c));
          }
        }
      }
    }
    flow.parameters().changed();
    return flow;
  }

  private static double roundTripError(Flow flow) {
    Matrix x = Matrix.allocate(flow.precision(), 3, IMAGE.size());
    new Noise(6).gaussian(102, 0, 0, x);
    Matrix back = flow.inverse(flow.forward(x, BLAS), BLAS);
    double largest = 0;
    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++) {
        double error = Math.abs(back.get(r, c) - x.get(r, c));
        assertThat(error).isNotNaN();
        largest = Math.max(largest, error);
      }
    }
    return largest;
  }

  private static double largestCondition(Flow flow) {
    double largest = 0;
    for (ConstantJacobian part : flow.constantParts()) {
      largest = Math.max(largest, part.condition(flow.parameters(), BLAS).orElse(1));
    }
    return largest;
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void aWellConditionedStackRoundTrips(Precision precision) {
    Flow flow = stack(precision, .5);
    assertThat(largestCondition(flow)).isLessThan(100);
    assertThat(roundTripError(flow)).isLessThan(precision == Precision.FLOAT32 ? 1e-4 : 1e-9);
  }

  /** A blur magnifies rounding when it is undone. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void aStackThatDoesNotRoundTripHasAConditionNumberThatSaysSo(Precision precision) {
    double limit = precision == Precision.FLOAT32 ? 1e-4 : 1e-9;
    double unit = precision == Precision.FLOAT32 ? 0x1p-24 : 0x1p-53;
    Flow flow = stack(precision, 1);
    for (Layer layer : flow.layers()) {
      if (layer instanceof Convolution convolution) {
        Matrix weight = flow.parameters().of(convolution.weight());
        for (int r = 0; r < weight.rows(); r++) {
          for (int c = 0; c < weight.columns(); c++) {
            weight.set(r, c, .01 + 1e-6 * weight.get(r, c));
          }
        }
      }
    }
    flow.parameters().changed();
    assertThat(roundTripError(flow)).isGreaterThan(limit);
    assertThat(largestCondition(flow) * unit).isGreaterThan(limit);
  }
}
