package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Gradients by products of rounded factors against those of float32, of every objective that may be
 * trained so: docs/decisions/0006.
 */
class BFloat16GradientTest {
  /** Weights are large from 129 on. */
  private static final int DIMENSION = 144;

  private static final int BATCH = 20;

  /** Of a block's largest gradient: a factor is rounded by 2⁻⁹ at most. */
  private static final double TOLERANCE = 2e-2;

  /** A weight is rounded once, and its error is the same at all pixels. */
  private static final double OF_CONVOLUTIONS = 5e-2;

  private static final Flow FLOW = flow();
  private static final Matrix DATA = random(BATCH, DIMENSION, 1, 1);

  static Stream<Objective> objectives() {
    return Stream.of(
        new SlicedScoreMatching(),
        new SlicedScoreMatching(2, true, 0.1, LossScale.PER_DIMENSION),
        new DenoisingScoreMatching(0.5, 0.1, LossScale.PER_DIMENSION),
        new MaximumLikelihood(),
        new SampledMaximumLikelihood(LossScale.PER_DIMENSION));
  }

  private static Flow flow() {
    return offStart(Flow.of(DIMENSION).dense().smoothLeakyRelu(0.3).dense().build());
  }

  /** With noise on all weights, of the same size in a product whatever their number. */
  private static Flow offStart(Flow flow) {
    for (Parameter block : flow.parameters().blocks()) {
      Matrix weights = flow.parameters().of(block);
      Matrix noise = random(weights.rows(), weights.columns(), 2, 0.3);
      for (int r = 0; r < weights.rows(); r++) {
        for (int c = 0; c < weights.columns(); c++) {
          weights.set(r, c, weights.get(r, c) + noise.get(r, c) / Math.sqrt(weights.columns()));
        }
      }
    }
    flow.parameters().changed();
    return flow;
  }

  private static Matrix random(int rows, int columns, int purpose, double deviation) {
    Matrix result = Matrix.allocate(Precision.FLOAT32, rows, columns);
    new Noise(4).gaussian(purpose, 0, 0, result);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        result.set(r, c, deviation * result.get(r, c));
      }
    }
    return result;
  }

  private static ObjectiveRun rounded(Objective objective, Matrix data, int workers) {
    return rounded(FLOW, objective, data, workers);
  }

  private static ObjectiveRun rounded(Flow flow, Objective objective, Matrix data, int workers) {
    Blas blas = Blas.named("onednn");
    assumeTrue(blas.multipliesBFloat16(), "oneDNN has no bfloat16 products on this processor");
    return new ObjectiveRun(
            flow, objective, data, team -> Compute.bfloat16(flow.parameters(), blas, team), workers)
        .draw(5, 17);
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void lossAndGradientAreNearThoseOfFloat32(Objective objective) {
    requireNear(FLOW, objective, TOLERANCE);
  }

  /**
   * By products of image rows, and of patches in the network of a coupling: with an activation
   * whose cotangents of all orders are read again, and one of which only the products' copies are
   * kept.
   */
  static Stream<Arguments> convolutions() {
    return Stream.of(
            FlowsUnderTest.convolutions(new Shape(1, 12, 12), Precision.FLOAT32),
            networks(Activation.Kind.TANH),
            networks(Activation.Kind.LEAKY_RELU))
        .map(BFloat16GradientTest::offStart)
        .flatMap(flow -> objectives().map(objective -> Arguments.of(flow, objective)));
  }

  private static Flow networks(Activation.Kind activation) {
    return FlowsUnderTest.networks(new Shape(2, 4, 18), 16, activation, Precision.FLOAT32);
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void soTheyAreThroughConvolutions(Flow flow, Objective objective) {
    requireNear(flow, objective, OF_CONVOLUTIONS);
  }

  private static void requireNear(Flow flow, Objective objective, double tolerance) {
    try (ObjectiveRun exact = new ObjectiveRun(flow, objective, DATA, "openblas", 2).draw(5, 17)) {
      double loss = exact.meanLossWithGradient();
      for (int workers : new int[] {1, 2, 3, 8}) {
        try (ObjectiveRun rounded = rounded(flow, objective, DATA, workers)) {
          assertThat(rounded.meanLossWithGradient())
              .isCloseTo(loss, within(tolerance * Math.max(1, Math.abs(loss))));
          for (Parameter block : flow.parameters().blocks()) {
            double[] expected = flat(exact.gradient().of(block));
            double[] found = flat(rounded.gradient().of(block));
            double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
            assertThat(found)
                .as("%s, %d workers, largest %s", block.name(), workers, largest)
                .hasSameSizeAs(expected)
                .isNotEqualTo(expected);
            assertThat(IntStream.range(0, found.length))
                .as("%s, %d workers, largest %s", block.name(), workers, largest)
                .allMatch(i -> Math.abs(found[i] - expected[i]) <= tolerance * largest);
          }
        }
      }
    }
  }

  private static double[] flat(Matrix matrix) {
    return Arrays.stream(matrix.toRows()).flatMapToDouble(Arrays::stream).toArray();
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void theSameBitsEachTimeAndOnlyWhileTheWeightsAreTheSame(Objective objective) {
    try (ObjectiveRun run = rounded(objective, DATA, 3)) {
      run.meanLossWithGradient();
      double[] first = run.flatGradient();
      for (int i = 0; i < 3; i++) {
        run.meanLossWithGradient();
        assertThat(run.flatGradient()).containsExactly(first);
      }
      Matrix weight = FLOW.parameters().of(FLOW.parameters().blocks().getFirst());
      double before = weight.get(0, 0);
      weight.set(0, 0, before + 1);
      run.meanLossWithGradient();
      assertThat(run.flatGradient()).isNotEqualTo(first);
      weight.set(0, 0, before);
      run.meanLossWithGradient();
      assertThat(run.flatGradient()).containsExactly(first);
    }
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void aRowThatIsNotFiniteLeavesTheGradientOfTheOthersFinite(Objective objective) {
    requireFinite(FLOW, objective);
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void soItDoesThroughConvolutions(Flow flow, Objective objective) {
    requireFinite(flow, objective);
  }

  private static void requireFinite(Flow flow, Objective objective) {
    Matrix data = DATA.copy(Precision.FLOAT32);
    data.set(3, 5, Double.NaN);
    try (ObjectiveRun run = rounded(flow, objective, data, 2)) {
      run.meanLossWithGradient();
      assertThat(run.nonFinite()).isEqualTo(1);
      assertThat(Arrays.stream(run.flatGradient()).allMatch(Double::isFinite)).isTrue();
      assertThat(Arrays.stream(run.flatGradient()).anyMatch(g -> g != 0)).isTrue();
    }
  }
}
