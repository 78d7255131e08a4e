package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.ebflow.linalg.CouplingKernels.Streams;
import org.ebflow.linalg.ElementwiseKernels.Derivatives;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every kernel that pushes jets forward and pulls cotangents back, in float64: tangents against
 * differences along a curve, cotangents against differences of ⟨ȳ, y⟩ + ⟨c, logDet⟩.
 */
class JetKernelsTest {
  private static final int ROWS = 2;
  private static final int WIDTH = 19;
  private static final double STEP = 1e-4;

  /**
   * Central differences of second order: STEP² times the function's third derivative, and
   * rounding/STEP.
   */
  private static final double TOLERANCE = 3e-6;

  private static final double A = 0.3;
  private static final double B = 0.7;

  /**
   * One layer: inputs are one jet (coupling: the three jets of x, s, t), each an array of orders.
   */
  private interface Jets {
    int inputs();

    /** y[k] and, where there is one, logDet[k] for orders 0 to {@code order}. */
    void forward(Kernels k, int order, Matrix[][] in, Matrix[] y, Matrix[] logDet);

    void backward(Kernels k, int order, Matrix[][] in, Matrix[] yBar, Matrix[] c, Matrix[][] inBar);
  }

  private record SmoothLeakyRelu() implements Jets {
    @Override
    public int inputs() {
      return 1;
    }

    private static Matrix sigmoid(Kernels k, Matrix x) {
      Matrix q = like(x);
      k.smoothLeakyRelu().value(A, B, x, like(x), q, perRow());
      return q;
    }

    @Override
    public void forward(Kernels k, int order, Matrix[][] in, Matrix[] y, Matrix[] logDet) {
      Matrix[] x = in[0];
      Matrix q = like(x[0]);
      k.smoothLeakyRelu().value(A, B, x[0], y[0], q, logDet[0]);
      if (order >= 1) {
        k.smoothLeakyRelu().tangent(A, B, q, x[1], y[1], logDet[1]);
      }
      if (order >= 2) {
        k.smoothLeakyRelu().second(A, B, q, x[1], x[2], y[2], logDet[2]);
      }
    }

    @Override
    public void backward(
        Kernels k, int order, Matrix[][] in, Matrix[] yBar, Matrix[] c, Matrix[][] inBar) {
      Matrix[] x = in[0];
      Matrix[] to = inBar[0];
      Matrix q = sigmoid(k, x[0]);
      switch (order) {
        case 0 -> k.smoothLeakyRelu().pullBack0(A, B, q, yBar[0], c[0], to[0]);
        case 1 ->
            k.smoothLeakyRelu()
                .pullBack1(A, B, q, x[1], yBar[0], yBar[1], c[0], c[1], to[0], to[1]);
        default ->
            k.smoothLeakyRelu()
                .pullBack2(
                    A, B, q, x[1], x[2], yBar[0], yBar[1], yBar[2], c[0], c[1], c[2], to[0], to[1],
                    to[2]);
      }
    }
  }

  private record Logit() implements Jets {
    @Override
    public int inputs() {
      return 1;
    }

    private static Matrix fraction(Matrix x) {
      Matrix result = like(x);
      for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < WIDTH; i++) {
          result.set(r, i, 0.5 + 0.1 * x.get(r, i));
        }
      }
      return result;
    }

    private static Derivatives derivatives(Kernels k, Matrix x) {
      Derivatives d = new Derivatives(like(x), like(x), like(x), like(x), like(x), like(x));
      k.elementwise().logitDerivatives(A, fraction(x), d);
      return d;
    }

    /** The jet of the affine map to (0,1) in front of the logit. */
    private static Matrix scaled(Matrix x) {
      Matrix result = like(x);
      result.copyFrom(x);
      Kernels.reference(Precision.FLOAT64).rows().combine(0.1, x, 0, x, result);
      return result;
    }

    @Override
    public void forward(Kernels k, int order, Matrix[][] in, Matrix[] y, Matrix[] logDet) {
      Matrix[] x = in[0];
      Derivatives d = derivatives(k, x[0]);
      k.elementwise().logit(A, fraction(x[0]), y[0], logDet[0]);
      if (order >= 1) {
        k.elementwise().tangent(d, scaled(x[1]), y[1], logDet[1]);
      }
      if (order >= 2) {
        k.elementwise().second(d, scaled(x[1]), scaled(x[2]), y[2], logDet[2]);
      }
    }

    @Override
    public void backward(
        Kernels k, int order, Matrix[][] in, Matrix[] yBar, Matrix[] c, Matrix[][] inBar) {
      Derivatives d = derivatives(k, in[0][0]);
      Matrix[] to = inBar[0];
      Matrix x1 = scaled(in[0][1]);
      Matrix x2 = scaled(in[0][2]);
      switch (order) {
        case 0 -> k.elementwise().pullBack0(d, yBar[0], c[0], to[0]);
        case 1 -> k.elementwise().pullBack1(d, x1, yBar[0], yBar[1], c[0], c[1], to[0], to[1]);
        default ->
            k.elementwise()
                .pullBack2(
                    d, x1, x2, yBar[0], yBar[1], yBar[2], c[0], c[1], c[2], to[0], to[1], to[2]);
      }
      for (int i = 0; i <= order; i++) {
        to[i].copyFrom(scaled(to[i]));
      }
    }
  }

  /**
   * With a slope per row of the batch, so that the slope's cotangent per element can be checked as
   * a second input.
   */
  private record Activation(boolean elu) implements Jets {
    @Override
    public int inputs() {
      return 1;
    }

    private ActivationKernels of(Kernels k) {
      return elu ? k.elu() : k.swish();
    }

    @Override
    public void forward(Kernels k, int order, Matrix[][] in, Matrix[] y, Matrix[] logDet) {
      Matrix[] x = in[0];
      Matrix kept = like(x[0]);
      of(k).value(SLOPE, x[0], y[0], kept);
      if (order >= 1) {
        of(k).tangent(SLOPE, x[0], kept, x[1], y[1]);
      }
      if (order >= 2) {
        of(k).second(SLOPE, x[0], kept, x[1], x[2], y[2]);
      }
    }

    @Override
    public void backward(
        Kernels k, int order, Matrix[][] in, Matrix[] yBar, Matrix[] c, Matrix[][] inBar) {
      Matrix[] x = in[0];
      Matrix[] to = inBar[0];
      Matrix kept = like(x[0]);
      of(k).value(SLOPE, x[0], like(x[0]), kept);
      switch (order) {
        case 0 -> of(k).pullBack0(SLOPE, x[0], kept, yBar[0], to[0], null);
        case 1 -> of(k).pullBack1(SLOPE, x[0], kept, x[1], yBar[0], yBar[1], to[0], to[1], null);
        default ->
            of(k)
                .pullBack2(
                    SLOPE, x[0], kept, x[1], x[2], yBar[0], yBar[1], yBar[2], to[0], to[1], to[2],
                    null);
      }
    }
  }

  private record Coupling() implements Jets {
    @Override
    public int inputs() {
      return 3;
    }

    private static Streams streams(Matrix[] jet) {
      return new Streams(jet[0], jet[1], jet[2]);
    }

    @Override
    public void forward(Kernels k, int order, Matrix[][] in, Matrix[] y, Matrix[] logDet) {
      Matrix scale = like(y[0]);
      k.coupling().value(MASK, in[0][0], in[1][0], in[2][0], y[0], scale, logDet[0]);
      if (order >= 1) {
        k.coupling()
            .tangent(
                MASK, scale, in[0][0], in[1][0], in[2][0], in[0][1], in[1][1], in[2][1], y[1],
                logDet[1]);
      }
      if (order >= 2) {
        k.coupling()
            .second(MASK, scale, streams(in[0]), streams(in[1]), streams(in[2]), y[2], logDet[2]);
      }
    }

    @Override
    public void backward(
        Kernels k, int order, Matrix[][] in, Matrix[] yBar, Matrix[] c, Matrix[][] inBar) {
      Matrix scale = like(yBar[0]);
      k.coupling().value(MASK, in[0][0], in[1][0], in[2][0], like(scale), scale, perRow());
      k.coupling()
          .pullBack(
              order,
              MASK,
              scale,
              streams(in[0]),
              streams(in[1]),
              streams(in[2]),
              streams(yBar),
              streams(c),
              streams(inBar[0]),
              streams(inBar[1]),
              streams(inBar[2]));
    }
  }

  private static final Matrix SLOPE = alternating(0.6, 1.7);
  private static final Matrix MASK = alternating(0, 1);

  private static Matrix alternating(double even, double odd) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, 1, WIDTH);
    for (int i = 0; i < WIDTH; i++) {
      result.set(0, i, i % 2 == 0 ? even : odd);
    }
    return result;
  }

  private static Matrix like(Matrix x) {
    return Matrix.allocate(Precision.FLOAT64, x.rows(), x.columns());
  }

  private static Matrix perRow() {
    return Matrix.allocate(Precision.FLOAT64, 1, ROWS);
  }

  private static Matrix random(RandomGenerator random, int rows, int width) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, rows, width);
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        result.set(r, i, random.nextGaussian());
      }
    }
    return result;
  }

  private static Matrix[] jet(RandomGenerator random, int rows, int width) {
    return new Matrix[] {
      random(random, rows, width), random(random, rows, width), random(random, rows, width)
    };
  }

  private static Matrix[] empty(int rows, int width) {
    Matrix[] result = new Matrix[3];
    Arrays.setAll(result, i -> Matrix.allocate(Precision.FLOAT64, rows, width));
    return result;
  }

  private static double dot(@Nullable Matrix x, Matrix y) {
    double sum = 0;
    for (int r = 0; x != null && r < x.rows(); r++) {
      for (int i = 0; i < x.columns(); i++) {
        sum += x.get(r, i) * y.get(r, i);
      }
    }
    return sum;
  }

  private static Matrix plus(Matrix x, double step, Matrix direction) {
    Matrix result = like(x);
    for (int r = 0; r < x.rows(); r++) {
      for (int i = 0; i < x.columns(); i++) {
        result.set(r, i, x.get(r, i) + step * direction.get(r, i));
      }
    }
    return result;
  }

  static Stream<Arguments> layers() {
    return Stream.of(
            new SmoothLeakyRelu(),
            new Logit(),
            new Activation(false),
            new Activation(true),
            new Coupling())
        .flatMap(
            layer ->
                Stream.of(Kernels.of(Precision.FLOAT64), Kernels.reference(Precision.FLOAT64))
                    .map(k -> Arguments.of(layer, k)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("layers")
  void tangentsMatchDifferencesAlongACurve(Jets layer, Kernels kernels) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(3);
    Matrix[][] in = new Matrix[layer.inputs()][];
    Arrays.setAll(in, i -> jet(random, ROWS, WIDTH));
    Matrix[] y = empty(ROWS, WIDTH);
    Matrix[] logDet = empty(1, ROWS);
    layer.forward(kernels, 2, in, y, logDet);
    Matrix[][] ys = new Matrix[2][];
    Matrix[][] logDets = new Matrix[2][];
    for (int side = 0; side < 2; side++) {
      double t = side == 0 ? -STEP : STEP;
      Matrix[][] at = new Matrix[layer.inputs()][];
      // x(t) = x0 + t·x1 + t²/2·x2 and its derivative
      Arrays.setAll(
          at,
          i ->
              new Matrix[] {
                plus(plus(in[i][0], t, in[i][1]), t * t / 2, in[i][2]),
                plus(in[i][1], t, in[i][2]),
                in[i][2]
              });
      ys[side] = empty(ROWS, WIDTH);
      logDets[side] = empty(1, ROWS);
      layer.forward(kernels, 1, at, ys[side], logDets[side]);
    }
    for (int order = 0; order < 2; order++) {
      assertSlope(y[order + 1], ys[0][order], ys[1][order]);
      assertSlope(logDet[order + 1], logDets[0][order], logDets[1][order]);
    }
  }

  private static void assertSlope(Matrix slope, Matrix before, Matrix after) {
    for (int r = 0; r < slope.rows(); r++) {
      for (int i = 0; i < slope.columns(); i++) {
        double difference = (after.get(r, i) - before.get(r, i)) / (2 * STEP);
        assertThat(slope.get(r, i))
            .isCloseTo(difference, Offset.offset(TOLERANCE * (1 + Math.abs(difference))));
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("layers")
  void cotangentsMatchDifferences(Jets layer, Kernels kernels) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(4);
    for (int order = 0; order <= 2; order++) {
      Matrix[][] in = new Matrix[layer.inputs()][];
      Arrays.setAll(in, i -> jet(random, ROWS, WIDTH));
      Matrix[][] direction = new Matrix[layer.inputs()][];
      Arrays.setAll(direction, i -> jet(random, ROWS, WIDTH));
      Matrix[] yBar = jet(random, ROWS, WIDTH);
      Matrix[] c = jet(random, 1, ROWS);
      Matrix[][] inBar = new Matrix[layer.inputs()][];
      Arrays.setAll(inBar, i -> empty(ROWS, WIDTH));
      layer.backward(kernels, order, in, yBar, c, inBar);
      double pulled = 0;
      for (int i = 0; i < layer.inputs(); i++) {
        for (int k = 0; k <= order; k++) {
          pulled += dot(inBar[i][k], direction[i][k]);
        }
      }
      double difference =
          (value(layer, kernels, order, in, STEP, direction, yBar, c)
                  - value(layer, kernels, order, in, -STEP, direction, yBar, c))
              / (2 * STEP);
      assertThat(pulled)
          .as("order %d", order)
          .isCloseTo(difference, Offset.offset(TOLERANCE * 10 * (1 + Math.abs(difference))));
    }
  }

  private static double value(
      Jets layer,
      Kernels kernels,
      int order,
      Matrix[][] in,
      double step,
      Matrix[][] direction,
      Matrix[] yBar,
      Matrix[] c) {
    Matrix[][] at = new Matrix[layer.inputs()][3];
    for (int i = 0; i < layer.inputs(); i++) {
      for (int k = 0; k < 3; k++) {
        at[i][k] = plus(in[i][k], step, direction[i][k]);
      }
    }
    Matrix[] y = empty(ROWS, WIDTH);
    Matrix[] logDet = empty(1, ROWS);
    layer.forward(kernels, order, at, y, logDet);
    double sum = 0;
    for (int k = 0; k <= order; k++) {
      sum += dot(yBar[k], y[k]) + dot(c[k], logDet[k]);
    }
    return sum;
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.ValueSource(ints = {0, 1, 2})
  void swishSlopeCotangentsMatchDifferences(int order) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
    Kernels kernels = Kernels.of(Precision.FLOAT64);
    Matrix[] x = jet(random, 1, WIDTH);
    Matrix[] yBar = jet(random, 1, WIDTH);
    Matrix slopeBar = like(x[0]);
    Matrix kept = like(x[0]);
    ActivationKernels swish = kernels.swish();
    swish.value(SLOPE, x[0], like(x[0]), kept);
    Matrix[] ignored = empty(1, WIDTH);
    switch (order) {
      case 0 -> swish.pullBack0(SLOPE, x[0], kept, yBar[0], ignored[0], slopeBar);
      case 1 ->
          swish.pullBack1(
              SLOPE, x[0], kept, x[1], yBar[0], yBar[1], ignored[0], ignored[1], slopeBar);
      default ->
          swish.pullBack2(
              SLOPE,
              x[0],
              kept,
              x[1],
              x[2],
              yBar[0],
              yBar[1],
              yBar[2],
              ignored[0],
              ignored[1],
              ignored[2],
              slopeBar);
    }
    Matrix direction = alternating(1, -0.5);
    Matrix[][] y = new Matrix[2][];
    for (int side = 0; side < 2; side++) {
      Matrix slope = plus(SLOPE, side == 0 ? -STEP : STEP, direction);
      y[side] = empty(1, WIDTH);
      swish.value(slope, x[0], y[side][0], kept);
      swish.tangent(slope, x[0], kept, x[1], y[side][1]);
      swish.second(slope, x[0], kept, x[1], x[2], y[side][2]);
    }
    double difference = 0;
    for (int k = 0; k <= order; k++) {
      difference += (dot(yBar[k], y[1][k]) - dot(yBar[k], y[0][k])) / (2 * STEP);
    }
    assertThat(dot(slopeBar, direction))
        .isCloseTo(difference, Offset.offset(TOLERANCE * (1 + Math.abs(difference))));
  }
}
