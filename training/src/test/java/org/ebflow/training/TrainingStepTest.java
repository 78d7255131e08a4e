package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.model.LinearConfig;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.flow.pass.Compute;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.FiniteDifferenceScoreMatching;
import org.ebflow.training.objective.FlowsUnderTest;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.RelativeGradient;
import org.ebflow.training.objective.SampledMaximumLikelihood;
import org.ebflow.training.objective.SelfNormalizing;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.optimizer.Optimizer;
import org.ebflow.training.optimizer.OptimizerState;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Preprocessing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingStepTest {
  private static final Shape MANY_CHANNELS = new Shape(12, 2, 5);

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static final double EPSILON = 1e3;

  /**
   * Of this thread's CPU time, as a busy machine's compilers are late; a warm step ends the wait.
   */
  private static final long WARM_UP_NANOS = 90_000_000_000L;

  static Stream<Objective> objectives() {
    return Stream.of(
        new SlicedScoreMatching(),
        new SlicedScoreMatching(2, true, 0.1, LossScale.PER_DIMENSION),
        new DenoisingScoreMatching(0.5, 0.1, LossScale.PER_DIMENSION),
        new FiniteDifferenceScoreMatching(1, 0, LossScale.PER_DIMENSION),
        new MaximumLikelihood(),
        new RelativeGradient(),
        new SelfNormalizing(1),
        new SampledMaximumLikelihood(LossScale.PER_DIMENSION));
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void aStepAllocatesNothingAfterWarmUp(Objective objective) {
    Blas blas = Blas.named("openblas");
    assertAllocatesNothing(
        fullyConnected(40), objective, (flow, team) -> Compute.of(Precision.FLOAT32, blas), 100);
  }

  @Test
  void aStepWithNormalisedWeightsAllocatesNothingAfterWarmUp() {
    Blas blas = Blas.named("openblas");
    assertAllocatesNothing(
        new CouplingConfig(2, 8, 2, Activation.Kind.ELU, true).build(6, Precision.FLOAT32, 1),
        new SlicedScoreMatching(),
        (flow, team) -> Compute.of(Precision.FLOAT32, blas),
        100);
  }

  static Stream<Arguments> linearLayers() {
    return Stream.of(
            FlowsUnderTest.normalisedConvolutions(Precision.FLOAT32),
            new LinearConfig(2, LinearConfig.Weights.LU, .3, Init.PUBLISHED)
                .build(10, Precision.FLOAT32, 1))
        .flatMap(
            flow ->
                Stream.of(new SlicedScoreMatching(), new MaximumLikelihood())
                    .map(objective -> Arguments.of(flow, objective)));
  }

  @ParameterizedTest
  @MethodSource("linearLayers")
  void aStepThroughConvolutionsOrTrianglesAllocatesNothingAfterWarmUp(
      Flow flow, Objective objective) {
    Blas blas = Blas.named("openblas");
    assertAllocatesNothing(
        flow, objective, (model, team) -> Compute.of(Precision.FLOAT32, blas), 100);
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void aStepThroughSplinesAllocatesNothingAfterWarmUp(Objective objective) {
    Blas blas = Blas.named("openblas");
    assertAllocatesNothing(
        new SplineConfig(2, 9, 3.5, MonotoneSpline.Tails.FROZEN).build(40, Precision.FLOAT32, 1),
        objective,
        (flow, team) -> Compute.of(Precision.FLOAT32, blas),
        100);
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void aStepThroughCouplingsAllocatesNothingAfterWarmUp(Objective objective) {
    Blas blas = Blas.named("openblas");
    assertAllocatesNothing(
        FlowsUnderTest.couplings(Precision.FLOAT32),
        objective,
        (flow, team) -> Compute.of(Precision.FLOAT32, blas),
        100);
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void aStepThroughBlockDiagonalLayersAllocatesNothingAfterWarmUp(Objective objective) {
    Blas blas = Blas.named("openblas");
    assertAllocatesNothing(
        FlowsUnderTest.patches(Precision.FLOAT32),
        objective,
        (flow, team) -> Compute.of(Precision.FLOAT32, blas),
        100);
  }

  static Stream<Arguments> objectivesWithConvolutions() {
    return objectives()
        .filter(Objective::followsGradient)
        .flatMap(objective -> convolutions().map(flow -> Arguments.of(flow, objective)));
  }

  /**
   * By products of image rows, with dense LU and banded, by products of patches, and of Fourier
   * coefficients.
   */
  @ParameterizedTest
  @MethodSource("objectivesWithConvolutions")
  void aStepThroughConvolutionsAllocatesNothingAfterWarmUp(Flow flow, Objective objective) {
    Blas blas = Blas.named("openblas");
    assertAllocatesNothing(
        flow, objective, (weights, team) -> Compute.of(Precision.FLOAT32, blas), 20);
  }

  static Stream<Optimizer> optimizersWithRates() {
    return Stream.of(new RmsProp(1e-5), new Adam(1e-5))
        .map(optimizer -> optimizer.withRates(Map.of("bias", 3.0)));
  }

  @ParameterizedTest
  @MethodSource("optimizersWithRates")
  void aStepWithRatesOfTheirOwnAllocatesNothingAfterWarmUp(Optimizer optimizer) {
    Blas blas = Blas.named("openblas");
    assertAllocatesNothing(
        fullyConnected(40),
        new SlicedScoreMatching(),
        optimizer,
        true,
        (flow, team) -> Compute.of(Precision.FLOAT32, blas),
        100);
  }

  @Test
  void aStepWithNoiseThroughThePreprocessingAllocatesNothingAfterWarmUp() {
    Blas blas = Blas.named("openblas");
    assertAllocatesNothing(
        fullyConnected(40),
        new SlicedScoreMatching(),
        new RmsProp(1e-5),
        false,
        (flow, team) -> Compute.of(Precision.FLOAT32, blas),
        100);
  }

  @Test
  void aStepWithRoundedProductsAllocatesNothingAfterWarmUp() {
    Blas blas = Blas.named("onednn");
    assumeTrue(blas.multipliesBFloat16(), "oneDNN has no bfloat16 products on this processor");
    assertAllocatesNothing(
        fullyConnected(130), // the least whose weights are large
        new SlicedScoreMatching(),
        (flow, team) -> Compute.bfloat16(flow.parameters(), blas, team),
        200);
  }

  static Stream<Flow> convolutions() {
    return Stream.of(
        FlowsUnderTest.convolutions(new Shape(1, 4, 4), Precision.FLOAT32),
        FlowsUnderTest.convolutions(new Shape(1, 20, 4), Precision.FLOAT32),
        FlowsUnderTest.networks(
            new Shape(2, 4, 9), 16, Activation.Kind.LEAKY_RELU, Precision.FLOAT32),
        Flow.of(MANY_CHANNELS)
            .layer(new Convolution(MANY_CHANNELS, 9))
            .smoothLeakyRelu(0.3)
            .layer(new Convolution(MANY_CHANNELS, 9))
            .build());
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void aStepThroughRoundedConvolutionsAllocatesNothingAfterWarmUp(Flow flow) {
    Blas blas = Blas.named("onednn");
    assumeTrue(blas.multipliesBFloat16(), "oneDNN has no bfloat16 products on this processor");
    assertAllocatesNothing(
        flow,
        new SlicedScoreMatching(),
        (weights, team) -> Compute.bfloat16(weights.parameters(), blas, team),
        20);
  }

  /** A batch that holds every row twice has the same mean, hence the same norm and update. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 1e-3})
  void normClippingAndUpdateAreThoseOfTheMeanGradient(double clip) {
    double[][] once = new double[8][4];
    Random random = new Random(3);
    for (double[] row : once) {
      Arrays.setAll(row, _ -> random.nextGaussian());
    }
    double[][] twice = new double[16][];
    Arrays.setAll(twice, r -> once[r / 2]);
    Flow small =
        Flow.of(4).precision(Precision.FLOAT64).dense().smoothLeakyRelu(0.3).dense().build();
    Flow large = small.copy(Precision.FLOAT64);
    double[] before = small.parameters().flat().doubles().clone();

    double norm = updateOnce(small, once, clip);
    assertThat(updateOnce(large, twice, clip)).isCloseTo(norm, within(1e-9 * norm));

    double[] updated = small.parameters().flat().doubles();
    double squares = 0;
    for (int i = 0; i < updated.length; i++) {
      squares += (updated[i] - before[i]) * (updated[i] - before[i]);
      assertThat(large.parameters().flat().doubles()[i]).isCloseTo(updated[i], within(1e-12));
    }
    // the root of the second moment is nothing beside such an epsilon: the step is g/epsilon
    double expected = (clip > 0 ? clip : norm) / EPSILON;
    assertThat(Math.sqrt(squares)).isCloseTo(expected, within(.01 * expected));
  }

  /** Updates by the whole batch at rate one and gives the gradient's norm before clipping. */
  private static double updateOnce(Flow flow, double[][] rows, double clip) {
    TrainingSettings settings =
        TrainingSettings.builder().batchSize(rows.length).clip(clip).seed(1).threads(2).build();
    OptimizerState state =
        new OptimizerState(new RmsProp(1, .99, EPSILON, 0), flow.parameters(), 0.999);
    try (Team team = new Team(2)) {
      TrainingStep step =
          new TrainingStep(
              flow,
              Compute.of(Precision.FLOAT64, Blas.named("openblas")),
              team,
              new MaximumLikelihood(),
              Dataset.of(rows),
              Preprocessing.none(),
              settings,
              state,
              flow.parameters().zeros(),
              rows.length);
      step.run(team, IntStream.range(0, rows.length).toArray(), 0, 0, 1, true);
      return step.gradientNorm();
    }
  }

  private static Flow fullyConnected(int dimension) {
    return Flow.of(dimension).dense().smoothLeakyRelu(0.3).dense().build();
  }

  private static void assertAllocatesNothing(
      Flow flow, Objective objective, BiFunction<Flow, Team, Compute> compute, int stepsPerRound) {
    assertAllocatesNothing(flow, objective, new RmsProp(1e-5), true, compute, stepsPerRound);
  }

  private static void assertAllocatesNothing(
      Flow model,
      Objective objective,
      Optimizer optimizer,
      boolean matchAfterPreprocessing,
      BiFunction<Flow, Team, Compute> compute,
      int stepsPerRound) {
    Flow flow = objective.withParameters(model, 1);
    int dimension = flow.dimension();
    Dataset pixels = Dataset.ofPixels("pixels", bytes(64 * dimension), dimension, null, 256);
    TrainingSettings settings =
        TrainingSettings.builder()
            .batchSize(32)
            .clip(5)
            .dataNoise(0.1)
            .matchAfterPreprocessing(matchAfterPreprocessing)
            .seed(1)
            .threads(2)
            .build();
    OptimizerState state = new OptimizerState(optimizer, flow.parameters(), 0.999);
    int[] order = IntStream.range(0, 64).toArray();
    try (Team team = new Team(2)) {
      TrainingStep step =
          new TrainingStep(
              flow,
              compute.apply(flow, team),
              team,
              objective,
              pixels,
              Preprocessing.logit(dimension, 256, 0.5),
              settings,
              state,
              flow.parameters().zeros(),
              32);
      long[] workers = workers(team);
      long least = Long.MAX_VALUE;
      long deadline = THREADS.getCurrentThreadCpuTime() + WARM_UP_NANOS;
      for (int round = 0; least > 0 && THREADS.getCurrentThreadCpuTime() < deadline; round++) {
        long before = allocated(workers);
        for (int i = 0; i < stepsPerRound; i++) {
          step.run(team, order, i % 2 * 32, round * stepsPerRound + i, 1e-5, true);
        }
        least = Math.min(least, allocated(workers) - before);
      }
      assertThat(least).isZero();
    }
  }

  /** Threads of the team's workers, the first of which is this one. */
  private static long[] workers(Team team) {
    long[] threads = new long[team.size()];
    team.run(worker -> threads[worker.rank()] = Thread.currentThread().threadId());
    return threads;
  }

  /** Bytes allocated so far by these threads. */
  private static long allocated(long[] threads) {
    long sum = 0;
    for (long thread : threads) {
      sum += THREADS.getThreadAllocatedBytes(thread);
    }
    return sum;
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(1).nextBytes(bytes);
    return bytes;
  }
}
