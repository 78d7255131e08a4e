package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every kernel that pushes jets forward and pulls cotangents back, in float64: tangents against
 * differences along a curve, cotangents against differences of ⟨ȳ, y⟩ + ⟨c, logDet⟩.
 */
class JetKernelsTest {
  /** Rows and width: within one block, several blocks of whole rows, rows cut into blocks. */
  private static final int[][] SHAPES = {{2, 19}, {29, 19}, {2, 1100}};

  private static final double STEP = 1e-4;

  /** From the reals that are drawn into (0,1), around ½. */
  private static final double SCALE = 0.1;

  /** No element lies so near to zero, where some functions have a kink, that a step crosses it. */
  private static final double KINK = 0.01;

  /**
   * Central differences of second order: STEP² times the function's third derivative, and
   * rounding/STEP.
   */
  private static final double TOLERANCE = 3e-6;

  /** One layer: inputs are one jet (coupling: the two jets of x and s), each an array of orders. */
  private interface Jets {
    int inputs();

    /** y[k] and, where there is one, logDet[k] for orders 0 to {@code order}. */
    void forward(Kernels k, int order, Matrix[][] in, Matrix[] y, Matrix[] logDet);

    void backward(Kernels k, int order, Matrix[][] in, Matrix[] yBar, Matrix[] c, Matrix[][] inBar);
  }

  private record Elementwise(FunctionUnderTest function) implements Jets {
    @Override
    public int inputs() {
      return 1;
    }

    /** The jet of an affine map into (0,1) where the function is defined there alone. */
    private Streams inside(Matrix[] x) {
      if (!function.onUnitInterval()) {
        return new Streams(x[0], x[1], x[2]);
      }
      Matrix[] result = new Matrix[3];
      Arrays.setAll(result, k -> plus(like(x[k]), SCALE, x[k]));
      for (int r = 0; r < x[0].rows(); r++) {
        for (int i = 0; i < x[0].columns(); i++) {
          result[0].set(r, i, 0.5 + result[0].get(r, i));
        }
      }
      return new Streams(result[0], result[1], result[2]);
    }

    private Matrix[] kept(ElementwiseFunction f, Matrix like) {
      Matrix[] kept = new Matrix[f.keeps(2)];
      Arrays.setAll(kept, i -> like(like));
      return kept;
    }

    @Override
    public void forward(Kernels k, int order, Matrix[][] in, Matrix[] y, Matrix[] logDet) {
      ElementwiseFunction f = function.in(k);
      Streams x = inside(in[0]);
      Matrix p = function.parameters(Precision.FLOAT64, x.order0().columns());
      Matrix[] kept = kept(f, x.order0());
      boolean h = function.bijection();
      k.jets().forward0(f, p, kept, x.order0(), y[0], h ? logDet[0] : null);
      if (order >= 1) {
        k.jets().forward1(f, p, kept, x, y[1], h ? logDet[1] : null);
      }
      if (order >= 2) {
        k.jets().forward2(f, p, kept, x, y[2], h ? logDet[2] : null);
      }
    }

    @Override
    public void backward(
        Kernels k, int order, Matrix[][] in, Matrix[] yBar, Matrix[] c, Matrix[][] inBar) {
      ElementwiseFunction f = function.in(k);
      Streams x = inside(in[0]);
      Matrix p = function.parameters(Precision.FLOAT64, x.order0().columns());
      Matrix[] kept = kept(f, x.order0());
      k.jets().forward0(f, p, kept, x.order0(), like(x.order0()), null);
      Matrix[] to = inBar[0];
      Streams yBars = new Streams(yBar[0], yBar[1], yBar[2]);
      Streams cs = function.bijection() ? new Streams(c[0], c[1], c[2]) : null;
      Streams xBars = new Streams(to[0], to[1], to[2]);
      switch (order) {
        case 0 -> k.jets().pullBack0(f, p, kept, x, yBars, cs, xBars, null);
        case 1 -> k.jets().pullBack1(f, p, kept, x, yBars, cs, xBars, 1, null);
        default -> k.jets().pullBack2(f, p, kept, x, yBars, cs, xBars, 2, null);
      }
      for (int i = 0; function.onUnitInterval() && i <= order; i++) {
        to[i].copyFrom(plus(like(to[i]), SCALE, to[i]));
      }
    }
  }

  private record Coupling() implements Jets {
    @Override
    public int inputs() {
      return 2;
    }

    private static Streams streams(Matrix[] jet) {
      return new Streams(jet[0], jet[1], jet[2]);
    }

    @Override
    public void forward(Kernels k, int order, Matrix[][] in, Matrix[] y, Matrix[] logDet) {
      Matrix scale = like(y[0]);
      Streams x = streams(in[0]);
      Streams s = streams(in[1]);
      k.coupling().value(in[0][0], in[1][0], y[0], scale, logDet[0]);
      if (order >= 1) {
        k.coupling().tangent(scale, x, s, y[1], logDet[1]);
      }
      if (order >= 2) {
        k.coupling().second(scale, x, s, y[2], logDet[2]);
      }
    }

    @Override
    public void backward(
        Kernels k, int order, Matrix[][] in, Matrix[] yBar, Matrix[] c, Matrix[][] inBar) {
      Matrix scale = like(yBar[0]);
      k.coupling().value(in[0][0], in[1][0], like(scale), scale, perRow(scale));
      k.coupling()
          .pullBack(
              order,
              scale,
              streams(in[0]),
              streams(in[1]),
              streams(yBar),
              streams(c),
              streams(inBar[0]),
              streams(inBar[1]),
              order);
    }
  }

  private static Matrix alternating(int width, double even, double odd) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, 1, width);
    for (int i = 0; i < width; i++) {
      result.set(0, i, i % 2 == 0 ? even : odd);
    }
    return result;
  }

  private static Matrix like(Matrix x) {
    return Matrix.allocate(Precision.FLOAT64, x.rows(), x.columns());
  }

  private static Matrix perRow(Matrix x) {
    return Matrix.allocate(Precision.FLOAT64, 1, x.rows());
  }

  private static Matrix random(RandomGenerator random, int rows, int width) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, rows, width);
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        double value = random.nextGaussian();
        result.set(r, i, value + Math.copySign(KINK, value));
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
    return Stream.concat(
            FunctionUnderTest.all().stream().map(Elementwise::new), Stream.of(new Coupling()))
        .flatMap(
            layer ->
                Stream.of(
                        KernelChoice.fastest(Precision.FLOAT64),
                        KernelChoice.reference(Precision.FLOAT64))
                    .flatMap(
                        k -> Arrays.stream(SHAPES).map(s -> Arguments.of(layer, s[0], s[1], k))));
  }

  @ParameterizedTest(name = "{0} [{1},{2}]")
  @MethodSource("layers")
  void tangentsMatchDifferencesAlongACurve(Jets layer, int rows, int width, Kernels kernels) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(3);
    Matrix[][] in = new Matrix[layer.inputs()][];
    Arrays.setAll(in, i -> jet(random, rows, width));
    Matrix[] y = empty(rows, width);
    Matrix[] logDet = empty(1, rows);
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
      ys[side] = empty(rows, width);
      logDets[side] = empty(1, rows);
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

  @ParameterizedTest(name = "{0} [{1},{2}]")
  @MethodSource("layers")
  void cotangentsMatchDifferences(Jets layer, int rows, int width, Kernels kernels) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(4);
    for (int order = 0; order <= 2; order++) {
      Matrix[][] in = new Matrix[layer.inputs()][];
      Arrays.setAll(in, i -> jet(random, rows, width));
      Matrix[][] direction = new Matrix[layer.inputs()][];
      Arrays.setAll(direction, i -> jet(random, rows, width));
      Matrix[] yBar = jet(random, rows, width);
      Matrix[] c = jet(random, 1, rows);
      Matrix[][] inBar = new Matrix[layer.inputs()][];
      Arrays.setAll(inBar, i -> empty(rows, width));
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
    Matrix[] y = empty(yBar[0].rows(), yBar[0].columns());
    Matrix[] logDet = empty(1, yBar[0].rows());
    layer.forward(kernels, order, at, y, logDet);
    double sum = 0;
    for (int k = 0; k <= order; k++) {
      sum += dot(yBar[k], y[k]) + dot(c[k], logDet[k]);
    }
    return sum;
  }

  static Stream<Arguments> trainableFunctions() {
    return FunctionUnderTest.all().stream()
        .filter(FunctionUnderTest::trainable)
        .flatMap(f -> IntStream.rangeClosed(0, 2).mapToObj(order -> Arguments.of(f, order)))
        .flatMap(
            a -> Arrays.stream(SHAPES).map(s -> Arguments.of(a.get()[0], a.get()[1], s[0], s[1])));
  }

  @ParameterizedTest(name = "{0}, order {1} [{2},{3}]")
  @MethodSource("trainableFunctions")
  void cotangentsOfParametersMatchDifferences(
      FunctionUnderTest function, int order, int rows, int width) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
    Kernels kernels = KernelChoice.fastest(Precision.FLOAT64);
    ElementwiseFunction f = function.in(kernels);
    ElementwiseJets jets = kernels.jets();
    Matrix[] x = jet(random, rows, width);
    Streams xs = new Streams(x[0], x[1], x[2]);
    Matrix[] yBar = jet(random, rows, width);
    Streams yBars = new Streams(yBar[0], yBar[1], yBar[2]);
    Matrix parameters = function.parameters(Precision.FLOAT64, width);
    Matrix[] kept = new Matrix[f.keeps(2)];
    Arrays.setAll(kept, i -> like(x[0]));
    jets.forward0(f, parameters, kept, x[0], like(x[0]), null);
    Matrix[] ignored = empty(rows, width);
    Streams xBars = new Streams(ignored[0], ignored[1], ignored[2]);
    Matrix[] bars = {like(x[0])};
    switch (order) {
      case 0 -> jets.pullBack0(f, parameters, kept, xs, yBars, null, xBars, bars);
      case 1 -> jets.pullBack1(f, parameters, kept, xs, yBars, null, xBars, 1, bars);
      default -> jets.pullBack2(f, parameters, kept, xs, yBars, null, xBars, 2, bars);
    }
    Matrix direction = alternating(width, 1, -0.5);
    Matrix[][] y = new Matrix[2][];
    for (int side = 0; side < 2; side++) {
      Matrix moved = plus(parameters, side == 0 ? -STEP : STEP, direction);
      y[side] = empty(rows, width);
      jets.forward0(f, moved, kept, x[0], y[side][0], null);
      jets.forward1(f, moved, kept, xs, y[side][1], null);
      jets.forward2(f, moved, kept, xs, y[side][2], null);
    }
    double difference = 0;
    for (int k = 0; k <= order; k++) {
      difference += (dot(yBar[k], y[1][k]) - dot(yBar[k], y[0][k])) / (2 * STEP);
    }
    double pulled = 0;
    for (int r = 0; r < rows; r++) {
      pulled += dot(bars[0].rows(r, r + 1), direction);
    }
    assertThat(pulled).isCloseTo(difference, Offset.offset(TOLERANCE * (1 + Math.abs(difference))));
  }
}
