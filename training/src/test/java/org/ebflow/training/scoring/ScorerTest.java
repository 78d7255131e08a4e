package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.MaskedAffineCoupling;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.ConvolutionalConfig;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.flow.model.PatchesConfig;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.preprocessing.Preprocessing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScorerTest {
  static final int BLOCK = Scorer.BLOCK;
  static final int ROWS = 333;

  static Stream<Flow> flows() {
    return Stream.of(
        Flow.of(43).dense().smoothLeakyRelu(0.3).dense().build(),
        Flow.of(400).dense().smoothLeakyRelu(0.3).dense().build(),
        new PatchesConfig(1, 5, 5, 3, MonotoneSpline.Tails.FROZEN)
            .build(new Shape(1, 20, 20), Precision.FLOAT32, 1),
        Flow.of(2).layer(coupling(1, 0)).layer(coupling(0, 1)).dense().build(),
        Flow.of(2).layer(coupling(200, false, 1, 0)).dense().build(),
        Flow.of(2).layer(coupling(200, true, 1, 0)).dense().build(),
        new ConvolutionalConfig(2, 1, 3, .3, false).build(new Shape(1, 8, 8), Precision.FLOAT32, 2),
        new GlowConfig(1, 1, 16).build(new Shape(1, 12, 12), Precision.FLOAT32, 2));
  }

  private static MaskedAffineCoupling coupling(double... mask) {
    return coupling(32, false, mask);
  }

  static MaskedAffineCoupling coupling(int width, boolean normalised, double... mask) {
    return new MaskedAffineCoupling(mask, width, 2, Activation.Kind.SWISH, normalised);
  }

  /** Weights off their start, so that products have sums to round. */
  static TrainedFlow model(Flow flow) {
    Random random = new Random(11);
    for (Matrix block : flow.parameters().byName().values()) {
      for (int r = 0; r < block.rows(); r++) {
        for (int c = 0; c < block.columns(); c++) {
          block.set(r, c, block.get(r, c) + random.nextGaussian() / Math.sqrt(block.columns()) / 2);
        }
      }
    }
    flow.parameters().changed();
    return new TrainedFlow(
        flow,
        Preprocessing.none(),
        new TrainedFlow.DataDescription(
            "gaussian", List.of(), null, EmpiricalDistribution.unknown(), null),
        7);
  }

  /** In "f32", "f64" or "bf16"; skips the last where the processor has no such products. */
  static Scorer scorer(TrainedFlow model, String precision, int threads) {
    return switch (precision) {
      case "f64" -> new Scorer(model.copy(Precision.FLOAT64), Blas.auto(), threads);
      case "bf16" -> {
        Blas blas = Blas.named("onednn");
        assumeTrue(blas.multipliesBFloat16(), "no bfloat16 products on this processor");
        yield Scorer.bfloat16(model, blas, threads);
      }
      default -> new Scorer(model, Blas.auto(), threads);
    };
  }

  static double[][] gaussianRows(int count, int dimension) {
    Random random = new Random(12);
    double[][] rows = new double[count][dimension];
    for (double[] row : rows) {
      Arrays.setAll(row, c -> random.nextGaussian());
    }
    return rows;
  }

  static Stream<Arguments> flowsAndBackends() {
    return flows()
        .flatMap(
            flow -> Stream.of("onednn", "openblas", "java").map(name -> Arguments.of(flow, name)));
  }

  @ParameterizedTest
  @MethodSource("flowsAndBackends")
  void aRowHasTheSameBitsAloneAndAtEveryPlaceOfABlock(Flow flow, String backend) {
    requireRowsAlike(flow.dimension(), new Scorer(model(flow), Blas.named(backend), 2));
  }

  @ParameterizedTest
  @CsvSource({"0, 256", "262144, 256", "262145, 248", "1342177, 48", "8388608, 8", "67108865, 8"})
  void blocksAreOfSmallBlocks(long numbers, int rows) {
    assertThat(Scorer.rowsOfBlocks(numbers)).isEqualTo(rows);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 64, 65, BLOCK, ROWS})
  void threadScorersSideBySideGiveTheScorersBits(int count) throws Exception {
    Matrix rows = Matrix.ofRows(Precision.FLOAT64, gaussianRows(count, 43));
    TrainedFlow model = model(Flow.of(43).dense().smoothLeakyRelu(0.3).dense().build());
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2)) {
      Scores expected = scorer.score(rows);
      List<FutureTask<Scores>> tasks = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        tasks.add(
            new FutureTask<>(
                () -> {
                  Scores scores = new Scores(count);
                  try (Scorer.ThreadScorer thread = scorer.threadScorer()) {
                    thread.score(
                        count,
                        (from, to, target) ->
                            target.rows(0, to - from).copyFrom(rows.rows(from, to)),
                        scores);
                  }
                  return scores;
                }));
        Thread.ofPlatform().start(tasks.get(i));
      }
      for (FutureTask<Scores> task : tasks) {
        assertThat(task.get().logProb()).isEqualTo(expected.logProb());
        assertThat(task.get().energy()).isEqualTo(expected.energy());
        assertThat(task.get().latentNorm()).isEqualTo(expected.latentNorm());
      }
    }
  }

  @Test
  void blocksTakenByItsThreadsHaveTheScorersBits() {
    Matrix rows = Matrix.ofRows(Precision.FLOAT64, gaussianRows(ROWS, 43));
    TrainedFlow model = model(Flow.of(43).dense().smoothLeakyRelu(0.3).dense().build());
    try (Scorer scorer = new Scorer(model, Blas.auto(), 3)) {
      double[] expected = scorer.score(rows).logProb();
      AtomicInteger next = new AtomicInteger();
      double[] found = new double[ROWS];
      int block = 70;
      scorer.onEachThread(
          thread -> {
            Scores scores = new Scores(block);
            for (int from; (from = next.getAndAdd(block)) < ROWS; ) {
              int first = from;
              int count = Math.min(block, ROWS - first);
              thread.score(
                  count,
                  (start, end, target) ->
                      target.rows(0, end - start).copyFrom(rows.rows(first + start, first + end)),
                  scores);
              System.arraycopy(scores.logProb(), 0, found, first, count);
            }
          });
      assertThat(found).isEqualTo(expected);
    }
  }

  @Test
  void aClosedScorerRefusesRows() {
    Scorer scorer =
        new Scorer(
            model(Flow.of(200).dense().smoothLeakyRelu(0.3).dense().build()), Blas.auto(), 2);
    double[][] rows = gaussianRows(3, 200);
    scorer.logProb(rows);
    scorer.close();
    assertThatThrownBy(() -> scorer.logProb(rows))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("Scorer.score: the scorer is closed");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4 * BLOCK})
  void aScorerClosedBesideARunningScoreWaitsForIt(int count) throws Exception {
    TrainedFlow model = model(Flow.of(300).dense().smoothLeakyRelu(0.3).dense().build());
    Matrix rows = Matrix.ofRows(Precision.FLOAT64, gaussianRows(count, 300));
    Scorer scorer = new Scorer(model, Blas.auto(), 2);
    double[] expected = scorer.score(rows).logProb();
    CountDownLatch scoring = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    Scores scores = new Scores(count);
    FutureTask<Scores> running =
        new FutureTask<>(
            () ->
                scorer.score(
                    count,
                    (from, to, target) -> {
                      scoring.countDown();
                      awaitUninterrupted(release);
                      target.rows(0, to - from).copyFrom(rows.rows(from, to));
                    },
                    scores),
            scores);
    new Thread(running).start();
    scoring.await();
    Thread closing = new Thread(scorer::close);
    closing.start();
    while (closing.getState() == Thread.State.NEW || closing.getState() == Thread.State.RUNNABLE) {
      Thread.onSpinWait();
    }
    assertThat(closing.getState()).isEqualTo(Thread.State.BLOCKED);
    release.countDown();
    assertThat(running.get().logProb()).isEqualTo(expected);
    closing.join();
    assertThatThrownBy(() -> scorer.score(rows)).isInstanceOf(IllegalStateException.class);
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static void requireRowsAlike(int dimension, Scorer opened) {
    double[][] rows = gaussianRows(BLOCK + 37, dimension);
    try (Scorer scorer = opened) {
      double[] scores = scorer.logProb(rows);
      assertThat(scores).doesNotHaveDuplicates();
      double[][] moved = gaussianRows(BLOCK, dimension);
      for (int place = 0; place < BLOCK; place++) {
        moved[place] = rows[3];
        assertThat(scorer.logProb(moved)[place]).as("at place %d", place).isEqualTo(scores[3]);
        moved[place] = rows[place];
        assertThat(scorer.logProb(new double[][] {rows[place]}))
            .as("row %d alone", place)
            .containsExactly(scores[place]);
      }
    }
  }

  /** Flows whose last layer may be reduced by QR, and flows where it may not. */
  static Stream<Flow> lastLayers() {
    Dense again = new Dense(400);
    return Stream.of(
        Flow.of(400).dense().smoothLeakyRelu(0.3).dense().build(),
        Flow.of(400).layer(again).smoothLeakyRelu(0.3).layer(again).build(),
        Flow.of(400).dense().smoothLeakyRelu(0.3).dense().actNorm().build(),
        Flow.of(784).dense().build(),
        Flow.of(20).dense().smoothLeakyRelu(0.3).dense().build());
  }

  @ParameterizedTest
  @MethodSource("lastLayers")
  void scoresAreTheFlowsOwn(Flow flow) {
    TrainedFlow model = model(flow);
    Flow exact = flow.copy(Precision.FLOAT64);
    Matrix rows = Matrix.ofRows(Precision.FLOAT64, gaussianRows(100, flow.dimension()));
    double[] expected = exact.logProb(rows, Blas.auto());
    Matrix latent = exact.forward(rows, Blas.auto());
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2)) {
      Scores scores = scorer.score(rows);
      for (int r = 0; r < expected.length; r++) {
        double norm = 0;
        for (int c = 0; c < flow.dimension(); c++) {
          norm = Math.hypot(norm, latent.get(r, c));
        }
        double size = Math.abs(expected[r]) + norm * norm;
        assertThat(scores.logProb()[r]).isCloseTo(expected[r], within(1e-6 * size));
        assertThat(scores.energy()[r]).isCloseTo(-expected[r] - scorer.logZ(), within(1e-6 * size));
        assertThat(scores.latentNorm()[r]).isCloseTo(norm, within(1e-6 * norm));
      }
    }
  }

  @Test
  void aScorerThatCannotBeMadeLeavesNoThreads() throws Exception {
    TrainedFlow model = model(Flow.of(300).dense().build());
    assertThat(
            threadsLeftBy(
                () ->
                    assertThatThrownBy(() -> Scorer.bfloat16(model, Blas.named("java"), 40))
                        .isInstanceOf(IllegalArgumentException.class)))
        .isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7})
  void aClosedScorerLeavesNoThreads(int threads) throws Exception {
    TrainedFlow model = model(Flow.of(300).dense().build());
    double[][] rows = gaussianRows(BLOCK, 300);
    assertThat(
            threadsLeftBy(
                () -> {
                  try (Scorer scorer = new Scorer(model, Blas.auto(), threads)) {
                    assertThat(scorer.logProb(rows)).hasSize(BLOCK);
                  }
                }))
        .isEmpty();
  }

  /** Threads of a team belong to the group of the thread that makes it. */
  private static List<Thread> threadsLeftBy(Runnable work) throws Exception {
    ThreadGroup group = new ThreadGroup("threads left");
    FutureTask<Boolean> task = new FutureTask<>(work, true);
    Thread first = new Thread(group, task);
    first.start();
    task.get();
    first.join();
    Thread[] left = new Thread[100];
    return Arrays.asList(left).subList(0, group.enumerate(left));
  }

  @Test
  void inFloat64AFloat32ModelScoresTheSameToItsRounding() {
    TrainedFlow model = model(Flow.of(300).dense().smoothLeakyRelu(0.3).dense().build());
    double[][] rows = gaussianRows(20, 300);
    assertThat(model.copy(Precision.FLOAT32)).isSameAs(model);
    double[] wide = logProb(model.copy(Precision.FLOAT64), rows, 2);
    double[] narrow = logProb(model, rows, 2);
    for (int r = 0; r < rows.length; r++) {
      assertThat(narrow[r]).isCloseTo(wide[r], within(1e-6 * Math.abs(wide[r])));
    }
  }

  @ParameterizedTest
  @MethodSource("flows")
  void theNumberOfThreadsChangesNoBit(Flow flow) {
    double[][] rows = gaussianRows(5 * BLOCK + 1, flow.dimension());
    TrainedFlow model = model(flow);
    try (Scorer alone = new Scorer(model, Blas.auto(), 1);
        Scorer three = new Scorer(model, Blas.auto(), 3)) {
      assertThat(three.logProb(rows)).containsExactly(alone.logProb(rows));
    }
  }

  private static double[] logProb(TrainedFlow model, double[][] rows, int threads) {
    try (Scorer scorer = new Scorer(model, Blas.auto(), threads)) {
      return scorer.logProb(rows);
    }
  }

  @Test
  void logProbIsThatOfTheFlowAndOfTheStandardisation() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT64);
    double[][] rows = TrainedFlows.rows(ROWS);
    Matrix standardised = Matrix.ofRows(Precision.FLOAT64, rows);
    double logScale = 0;
    for (int c = 0; c < 3; c++) {
      for (int r = 0; r < ROWS; r++) {
        standardised.set(r, c, (rows[r][c] - 10 * c) / (0.5 + c));
      }
      logScale += Math.log(0.5 + c);
    }
    double[] expected = model.flow().logProb(standardised, Blas.auto());
    double[] actual = logProb(model, rows, 2);
    for (int r = 0; r < ROWS; r++) {
      assertThat(actual[r]).isCloseTo(expected[r] - logScale, within(1e-11));
    }
  }

  @Test
  void logProbIsMinusEnergyMinusLogZPlusTheLogDerivative() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT32);
    double logScale = Math.log(0.5) + Math.log(1.5) + Math.log(2.5);
    try (Scorer scorer = new Scorer(model, Blas.auto(), 1)) {
      Scores scores = scorer.score(Matrix.ofRows(Precision.FLOAT64, TrainedFlows.rows(ROWS)));
      for (int r = 0; r < ROWS; r++) {
        assertThat(scores.logProb()[r])
            .isCloseTo(-scores.energy()[r] - scorer.logZ() - logScale, within(1e-12));
      }
    }
  }

  @Test
  void latentNormIsThatOfTheFlowsOutput() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT64);
    double[][] rows = {{0.25, 10, 21}};
    Matrix latent =
        model
            .flow()
            .forward(
                Matrix.ofRows(Precision.FLOAT64, new double[][] {{0.5, 0, 1 / 2.5}}), Blas.auto());
    double norm = Math.sqrt(Arrays.stream(latent.doubles()).map(z -> z * z).sum());
    try (Scorer scorer = new Scorer(model, Blas.auto(), 1)) {
      assertThat(scorer.score(Matrix.ofRows(Precision.FLOAT64, rows)).latentNorm()[0])
          .isCloseTo(norm, within(1e-12));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 63, 64, 65, 130})
  void aRowsBitsDependNeitherOnItsNeighboursNorOnThreads(int count) {
    for (boolean images : new boolean[] {false, true}) {
      TrainedFlow model = images ? TrainedFlows.images() : TrainedFlows.table(Precision.FLOAT32);
      double[][] rows = images ? TrainedFlows.pictures(ROWS) : TrainedFlows.rows(ROWS);
      double[] all = logProb(model, rows, 3);
      assertThat(logProb(model, Arrays.copyOfRange(rows, 100, 100 + count), 1))
          .isEqualTo(Arrays.copyOfRange(all, 100, 100 + count));
      assertThat(logProb(model, Arrays.copyOfRange(rows, 7, 7 + count), 2))
          .isEqualTo(Arrays.copyOfRange(all, 7, 7 + count));
    }
  }

  @Test
  void dequantisationNoiseFollowsTheModelsSeed() {
    TrainedFlow model = TrainedFlows.images();
    TrainedFlow other =
        new TrainedFlow(model.flow(), model.preprocessing(), model.data(), model.seed() + 1);
    double[][] rows = TrainedFlows.pictures(5);
    assertThat(logProb(other, rows, 1)).isNotEqualTo(logProb(model, rows, 1));
  }

  @Test
  void twoThreadsMayUseOneScorer() throws Exception {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT32);
    double[][] rows = TrainedFlows.rows(ROWS);
    double[] expected = logProb(model, rows, 1);
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2);
        ExecutorService callers = Executors.newFixedThreadPool(2)) {
      List<Future<double[]>> results = new ArrayList<>();
      for (int call = 0; call < 40; call++) {
        int from = call % 10;
        results.add(callers.submit(() -> scorer.logProb(Arrays.copyOfRange(rows, from, ROWS))));
      }
      for (int call = 0; call < results.size(); call++) {
        assertThat(results.get(call).get())
            .isEqualTo(Arrays.copyOfRange(expected, call % 10, ROWS));
      }
    }
  }

  @Test
  void evaluationIsTheMeanOfTheScores() {
    TrainedFlow model = TrainedFlows.table(Precision.FLOAT32);
    double[][] rows = TrainedFlows.rows(ROWS);
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2)) {
      Evaluation evaluation = scorer.evaluate(Dataset.of(rows));
      double[] scores = scorer.logProb(rows);
      double mean = Arrays.stream(scores).average().orElseThrow();
      double variance = Arrays.stream(scores).map(s -> (s - mean) * (s - mean)).sum() / (ROWS - 1);
      assertThat(evaluation.nll()).isCloseTo(-mean, within(1e-12 * Math.abs(mean)));
      assertThat(evaluation.standardError()).isCloseTo(Math.sqrt(variance / ROWS), within(1e-12));
      assertThat(evaluation.bitsPerDimension()).isCloseTo(-mean / 3 / Math.log(2), within(1e-12));
      assertThat(evaluation.rows()).isEqualTo(ROWS);
      assertThat(evaluation.logZ()).isEqualTo(model.logZ(Blas.auto()));
    }
  }

  @Test
  void noRowsHaveNoScores() {
    assertThat(logProb(TrainedFlows.table(Precision.FLOAT32), new double[0][], 2)).isEmpty();
  }

  @Test
  void rowsOfAnotherWidthAreRefusedWithBothShapes() {
    assertThatThrownBy(() -> logProb(TrainedFlows.table(Precision.FLOAT32), new double[4][5], 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[4,5]")
        .hasMessageContaining("[*,3]");
  }

  @Test
  void densityIntegratesToOne() {
    TrainedFlow wide = TrainedFlows.table(Precision.FLOAT64);
    int side = 61;
    double sum = 0;
    Matrix grid = Matrix.allocate(Precision.FLOAT64, side * side * side, 3);
    for (int i = 0; i < grid.rows(); i++) { // 30 standard deviations to each side, one per point
      grid.set(i, 0, 0.5 * (i % side - side / 2));
      grid.set(i, 1, 10 + 1.5 * (i / side % side - side / 2));
      grid.set(i, 2, 20 + 2.5 * (i / side / side - side / 2));
    }
    try (Scorer scorer = new Scorer(wide, Blas.auto(), 2)) {
      for (double logProb : scorer.score(grid).logProb()) {
        sum += Math.exp(logProb);
      }
    }
    assertThat(sum * 0.5 * 1.5 * 2.5).isCloseTo(1, within(5e-3));
  }
}
