package org.ebflow.flow.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.ebflow.golden.GoldenCase;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** LU factors of a convolution's matrix: banded and dense against each other and the reference. */
class ConvolutionMatrixTest {
  private static final int CHANNELS = 3;
  private static final int PIXELS = 64;
  private static final int SIDE = 7;
  private static final ConvolutionShape REFERENCE =
      new ConvolutionShape(8, 8, CHANNELS, CHANNELS, SIDE);

  /** Height, width, channels, side: wide, narrow, one pixel, kernels larger than the image. */
  private static final int[][] SHAPES = {
    {1, 1, 1, 1}, {1, 1, 3, 5}, {5, 4, 2, 1}, {6, 5, 1, 3}, {5, 6, 2, 3}, {3, 9, 1, 7}, {9, 2, 3, 7}
  };

  private static ConvolutionMatrix factors(
      boolean banded, ConvolutionShape shape, Matrix weight, Precision ofDense) {
    Blas blas = Blas.named("openblas");
    return banded
        ? new ConvolutionMatrix.Banded(shape, weight, blas)
        : new ConvolutionMatrix.Dense(shape, weight, blas, ofDense);
  }

  /** Rows [*,channels·pixels] of the reference, channels first, as rows with channels last. */
  private static Matrix rows(double[] values) {
    int size = CHANNELS * PIXELS;
    Matrix result = Matrix.allocate(Precision.FLOAT64, values.length / size, size);
    for (int i = 0; i < values.length; i++) {
      int c = i % size / PIXELS;
      result.set(i / size, i % PIXELS * CHANNELS + c, values[i]);
    }
    return result;
  }

  /** A weight [out,in,k,k] of the reference as [out,k·k·in]. */
  private static Matrix weight(double[] values) {
    int taps = SIDE * SIDE;
    Matrix result = Matrix.allocate(Precision.FLOAT64, CHANNELS, taps * CHANNELS);
    for (int i = 0; i < values.length; i++) {
      int in = i / taps % CHANNELS;
      result.set(i / taps / CHANNELS, i % taps * CHANNELS + in, values[i]);
    }
    return result;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void determinantInverseAndGradientMatchTheReference(boolean banded) {
    GoldenCase golden = GoldenCase.open("convdet");
    Matrix weight = weight(golden.values("weight"));
    try (ConvolutionMatrix factors = factors(banded, REFERENCE, weight, Precision.FLOAT64)) {
      assertThat(factors.lu().logAbsDeterminant())
          .isCloseTo(golden.scalar("logabsdet"), within(1e-12));
      assertThat(factors.lu().condition()).isBetween(1.0, 50 * golden.scalar("cond"));
      Matrix solved = rows(golden.values("v"));
      factors.lu().solveRows(solved);
      assertClose(solved, rows(golden.values("inv_v")), 1e-12);
      Matrix gradient = Matrix.allocate(Precision.FLOAT64, CHANNELS, SIDE * SIDE * CHANNELS);
      factors.addGradient(1, gradient);
      gradient.fill(1); // what was added before is gone
      factors.addGradient(2, gradient);
      Matrix expected = weight(golden.values("grad_logabsdet.weight"));
      for (int o = 0; o < CHANNELS; o++) {
        for (int i = 0; i < expected.columns(); i++) {
          expected.set(o, i, 1 + 2 * expected.get(o, i));
        }
      }
      assertClose(gradient, expected, 1e-11);
      assertThat(factors.precision()).isEqualTo(Precision.FLOAT64);
    }
  }

  private static void assertClose(Matrix found, Matrix expected, double tolerance) {
    assertThat(found.rows()).isEqualTo(expected.rows());
    for (int r = 0; r < found.rows(); r++) {
      assertThat(found.toRows()[r]).containsExactly(expected.toRows()[r], within(tolerance));
    }
  }

  private static Matrix random(ConvolutionShape shape, Precision precision, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Matrix weight = Matrix.allocate(precision, shape.out(), shape.taps());
    for (int o = 0; o < shape.out(); o++) {
      for (int i = 0; i < shape.taps(); i++) {
        boolean centre = i == shape.taps() / shape.in() / 2 * shape.in() + o;
        weight.set(o, i, (centre ? -1 : 0) + .3 * random.nextGaussian() / shape.side());
      }
    }
    return weight;
  }

  @Test
  void bandedAndDenseAgreeForEveryShape() {
    for (int[] s : SHAPES) {
      ConvolutionShape shape = new ConvolutionShape(s[0], s[1], s[2], s[2], s[3]);
      for (Precision precision : Precision.values()) {
        Matrix weight = random(shape, precision, 5);
        double tolerance = precision == Precision.FLOAT64 ? 1e-11 : 1e-4;
        try (ConvolutionMatrix banded = factors(true, shape, weight, precision);
            ConvolutionMatrix dense = factors(false, shape, weight, precision)) {
          assertAgree(banded, dense, shape, tolerance);
          weight.copyFrom(random(shape, precision, 6)); // again in the same memory
          banded.factorize();
          dense.factorize();
          assertAgree(banded, dense, shape, tolerance);
          assertThat(dense.precision()).isEqualTo(precision);
        }
      }
    }
  }

  private static void assertAgree(
      ConvolutionMatrix banded, ConvolutionMatrix dense, ConvolutionShape shape, double tolerance) {
    double size = Math.max(1, dense.lu().condition());
    assertThat(banded.lu().logAbsDeterminant())
        .isCloseTo(dense.lu().logAbsDeterminant(), within(tolerance * size));
    assertThat(banded.lu().condition()).isCloseTo(dense.lu().condition(), within(.01 * size));
    Matrix[] gradients = new Matrix[2];
    Matrix[] solved = new Matrix[2];
    for (int i = 0; i < 2; i++) {
      gradients[i] = Matrix.allocate(Precision.FLOAT64, shape.out(), shape.taps());
      (i == 0 ? banded : dense).addGradient(1, gradients[i]);
      solved[i] = Matrix.allocate(Precision.FLOAT64, 2, shape.outputs());
      solved[i].fill(1);
      solved[i].set(1, 0, -3);
      (i == 0 ? banded : dense).lu().solveRows(solved[i]);
    }
    assertClose(gradients[0], gradients[1], tolerance * size * shape.pixels());
    assertClose(solved[0], solved[1], tolerance * size);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aZeroWeightIsSingular(boolean banded) {
    Matrix zero = Matrix.allocate(Precision.FLOAT64, CHANNELS, SIDE * SIDE * CHANNELS);
    try (ConvolutionMatrix factors = factors(banded, REFERENCE, zero, Precision.FLOAT64)) {
      assertThat(factors.lu().singular()).isTrue();
      assertThat(factors.lu().logAbsDeterminant()).isEqualTo(Double.NEGATIVE_INFINITY);
      assertThat(factors.lu().condition()).isEqualTo(Double.POSITIVE_INFINITY);
    }
  }

  /** The published shapes: 7×7 on MNIST and CIFAR-10, before and after squeezes. */
  @Test
  void bandedLuIsTakenWhereItTakesFewerOperations() {
    assertThat(ConvolutionMatrix.bandwidth(new ConvolutionShape(28, 28, 1, 1, 7))).isEqualTo(87);
    assertThat(ConvolutionMatrix.bandwidth(new ConvolutionShape(32, 32, 3, 3, 7))).isEqualTo(299);
    assertThat(ConvolutionMatrix.bandwidth(new ConvolutionShape(2, 3, 2, 2, 7))).isEqualTo(11);
    assertThat(pays(28, 1)).isTrue();
    assertThat(pays(14, 4)).isTrue();
    assertThat(pays(7, 16)).isFalse();
    assertThat(pays(32, 3)).isTrue();
    assertThat(pays(16, 12)).isTrue();
    assertThat(pays(8, 48)).isFalse();
    ConvolutionShape tiny = new ConvolutionShape(28, 28, 1, 1, 7);
    assertThat(ConvolutionMatrix.precision(tiny, Precision.FLOAT32)).isEqualTo(Precision.FLOAT64);
  }

  private static boolean pays(int side, int channels) {
    return ConvolutionMatrix.bandedPays(new ConvolutionShape(side, side, channels, channels, 7));
  }
}
