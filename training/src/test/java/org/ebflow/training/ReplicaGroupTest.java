package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.assertj.core.api.Assertions;
import org.ebflow.flow.Flow;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.LuPointwiseConvolution;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.FiniteDifferenceScoreMatching;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.RelativeGradient;
import org.ebflow.training.objective.SampledMaximumLikelihood;
import org.ebflow.training.objective.SelfNormalizing;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReplicaGroupTest {
  @TempDir Path folder;

  /** What the members train, each in a thread of its own; averages every so many steps, 0: none. */
  private List<TrainedFlow> train(
      ThreadReplicas replicas, int every, Splits data, Supplier<Trainer> trainer)
      throws InterruptedException, ExecutionException {
    return onMembers(
        replicas,
        member -> {
          Trainer own = trainer.get().threads(1);
          Trainer replica = every > 0 ? own.replicas(member, every) : own.replicas(member);
          return replica.fit(data, run(member));
        });
  }

  private Path run(ReplicaGroup member) {
    return folder.resolve("member" + member.rank());
  }

  private static <T> List<T> onMembers(ThreadReplicas replicas, Function<ReplicaGroup, T> task)
      throws InterruptedException, ExecutionException {
    List<T> results = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(replicas.size())) {
      List<Future<T>> members = new ArrayList<>();
      for (int rank = 0; rank < replicas.size(); rank++) {
        ReplicaGroup member = replicas.member(rank);
        members.add(
            threads.submit(
                () -> {
                  try {
                    return task.apply(member);
                  } catch (RuntimeException | Error e) {
                    replicas.fail();
                    throw e;
                  }
                }));
      }
      for (Future<T> member : members) {
        results.add(member.get());
      }
    }
    return results;
  }

  private static double nll(TrainedFlow model, Splits data) {
    try (Scorer scorer = new Scorer(model, Blas.auto(), 1)) {
      return scorer.evaluate(data.test()).nll();
    }
  }

  static Map<String, Objective> objectives() {
    Map<String, Objective> objectives = new LinkedHashMap<>();
    objectives.put("ml", new MaximumLikelihood());
    objectives.put("sml", new SampledMaximumLikelihood(LossScale.PER_DIMENSION));
    objectives.put("ssm", new SlicedScoreMatching(3, false, .1, LossScale.PER_DIMENSION));
    objectives.put("dsm", new DenoisingScoreMatching(.3, .1, LossScale.PER_SAMPLE));
    objectives.put("fdssm", new FiniteDifferenceScoreMatching(.2, 0, LossScale.PER_SAMPLE));
    objectives.put("rg", new RelativeGradient());
    objectives.put("snf", new SelfNormalizing(.5));
    return objectives;
  }

  /** In float64, so that nothing but rounding tells them apart; clipped at every step. */
  private static Trainer precise(String objective, LastLayer lastLayer) {
    Flow flow =
        Flow.of(4).dense().smoothLeakyRelu(0.3).dense().precision(Precision.FLOAT64).build();
    return Trainer.of(flow, objectives().get(objective))
        .preprocessing(train -> Preprocessing.logit(4, 256, 0.9))
        .optimizer(new RmsProp(1e-3))
        .lastLayer(lastLayer)
        .epochs(2)
        .batchSize(57)
        .dataNoise(0.1)
        .augment(true)
        .clip(0.5)
        .averageDecay(0.9)
        .seed(3);
  }

  /** 800 images to train: 14 batches of 57 and one of 2 rows. */
  private static Splits images() {
    byte[] pixels = new byte[1000 * 4];
    new Random(3).nextBytes(pixels);
    return Dataset.ofPixels("pixels", pixels, 4, new Shape(2, 2, 1), 256).split(0.8, 0.1, 0.1);
  }

  @ParameterizedTest
  @CsvSource({
    "2, ml, TRAINED",
    "2, sml, TRAINED",
    "3, ssm, TRAINED", // of 2 rows the third has none
    "3, dsm, TRAINED",
    "3, fdssm, TRAINED",
    "2, rg, TRAINED",
    "2, snf, TRAINED",
    "2, ssm, CLOSED_FORM"
  })
  void membersThatSumGradientsMakeTheRunOfOneProcess(
      int size, String objective, LastLayer lastLayer) throws Exception {
    Splits data = images();
    ThreadReplicas replicas = new ThreadReplicas(size);
    List<TrainedFlow> members = train(replicas, 0, data, () -> precise(objective, lastLayer));
    Path alone = folder.resolve("one");
    TrainedFlow one = precise(objective, lastLayer).threads(2).fit(data, alone);
    assertThat(replicas.calls(0)).isEqualTo(1 + 2 * 15);
    for (TrainedFlow member : members) {
      assertThat(weights(member)).isEqualTo(weights(members.getFirst()));
    }
    assertThat(weights(members.getFirst())).usingComparator(within(1e-9)).isEqualTo(weights(one));
    assertThat(losses(folder.resolve("member0")))
        .usingComparator(within(1e-9))
        .isEqualTo(losses(alone));
  }

  private static double[] weights(TrainedFlow model) {
    return model.flow().parameters().byName().values().stream()
        .flatMap(block -> Arrays.stream(block.toRows()))
        .flatMapToDouble(Arrays::stream)
        .toArray();
  }

  /** Loss and norm of the gradient in each row of metrics.csv that has them. */
  private static double[] losses(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.csv")).stream()
        .skip(1)
        .map(line -> line.split(",", -1))
        .filter(cells -> !cells[3].isEmpty())
        .flatMapToDouble(
            cells -> DoubleStream.of(Double.parseDouble(cells[3]), Double.parseDouble(cells[4])))
        .toArray();
  }

  private static Comparator<double[]> within(double tolerance) {
    return (a, b) -> {
      assertThat(a).hasSameSizeAs(b).isNotEmpty();
      return IntStream.range(0, a.length)
              .allMatch(i -> Math.abs(a[i] - b[i]) <= tolerance * Math.max(1, Math.abs(b[i])))
          ? 0
          : 1;
    };
  }

  /**
   * With an epsilon far above the gradients RMSprop is gradient descent, which is linear in them.
   */
  private static Trainer descent() {
    return Trainer.of(
            Flow.of(3).dense().smoothLeakyRelu(0.3).dense().precision(Precision.FLOAT64).build(),
            new MaximumLikelihood())
        .optimizer(new RmsProp(1e4, 0.99, 1e6, 0))
        .epochs(3)
        .batchSize(99)
        .averageDecay(0.9)
        .seed(3);
  }

  @Test
  void membersThatAverageEveryStepMakeTheStepsOfTheWholeBatch() throws Exception {
    Splits data = TrainerTest.gaussians(1000, 3); // 800 rows to train: 8 batches of 99, one of 8
    ThreadReplicas replicas = new ThreadReplicas(2);
    List<TrainedFlow> members = train(replicas, 1, data, () -> descent());
    TrainedFlow one = descent().threads(1).fit(data, folder.resolve("one"));
    assertThat(weights(members.get(0))).isEqualTo(weights(members.get(1)));
    assertThat(weights(members.get(0))).usingComparator(within(1e-5)).isEqualTo(weights(one));
  }

  @Test
  void membersThatAverageNowAndThenEndNearTheModelOfOneProcess() throws Exception {
    Splits data = TrainerTest.gaussians(4000, 3);
    ThreadReplicas replicas = new ThreadReplicas(2);

    List<TrainedFlow> members = train(replicas, 10, data, () -> linear());

    TrainedFlow one = linear().threads(1).fit(data, folder.resolve("one"));
    TrainedFlow early = linear().epochs(1).threads(1).fit(data, folder.resolve("early"));
    assertSameStates();
    assertThat(nll(members.get(0), data)).isEqualTo(nll(members.get(1), data));
    assertThat(nll(members.get(0), data)).isCloseTo(nll(one, data), Assertions.within(0.02));
    assertThat(nll(early, data)).isGreaterThan(nll(one, data) + 0.02);
    assertThat(Files.readString(folder.resolve("member0/config.json")))
        .contains("\"replicas\" : 2", "\"average_every\" : 10");
  }

  /**
   * So many that a sum of equal numbers, times 1/41 in float32, is not that number: a permutation's
   * 2 would be 1.9999999. u and v of the spectral norm differ from member to member before.
   */
  @Test
  void membersThatAverageHaveTheUntrainedNumbersOfTheFirst() throws Exception {
    Shape image = new Shape(4, 1, 2);
    Splits data = TrainerTest.gaussians(110, image.size()); // two rows of a batch for most members
    Supplier<Trainer> trainer =
        () ->
            Trainer.of(
                    Flow.of(image)
                        .layer(new LuPointwiseConvolution(image))
                        .layer(new Convolution(image, 1).spectrallyNormalised())
                        .build(),
                    new MaximumLikelihood())
                .optimizer(new RmsProp(1e-2))
                .epochs(4)
                .evaluateEvery(2)
                .batchSize(88)
                .seed(3);

    List<TrainedFlow> members = train(new ThreadReplicas(41), 2, data, trainer);

    assertSameStates();
    for (TrainedFlow member : members) {
      double[] permutation = member.flow().parameters().byName().get("0.permutation").toRows()[0];
      assertThat(permutation).containsExactlyInAnyOrder(0, 1, 2, 3);
      assertThat(weights(member)).isEqualTo(weights(members.getFirst()));
    }
  }

  /** Weights, averages of them and moments, from which both members would go on. */
  private void assertSameStates() {
    try (Safetensors first = Safetensors.read(folder.resolve("member0/last/state.safetensors"));
        Safetensors second = Safetensors.read(folder.resolve("member1/last/state.safetensors"))) {
      assertThat(first.names()).isEqualTo(second.names()).anyMatch(name -> name.contains("moment"));
      for (String name : first.names()) {
        Matrix expected =
            Matrix.allocate(first.precision(name), first.rows(name), first.columns(name));
        Matrix found = expected.copy(first.precision(name));
        first.copyTo(name, expected);
        second.copyTo(name, found);
        assertThat(found.toRows()).as(name).isDeepEqualTo(expected.toRows());
      }
    }
  }

  private static Trainer linear() {
    return Trainer.of(Flow.of(3).dense().build(), new MaximumLikelihood())
        .optimizer(new RmsProp(1e-2))
        .epochs(20)
        .schedule(0.8, 20)
        .batchSize(50)
        .seed(3);
  }

  @Test
  void membersFromDifferentCheckpointsAreRefused() throws Exception {
    Splits data = TrainerTest.gaussians(1000, 3);
    for (int rank = 0; rank < 2; rank++) {
      linear().epochs(1 + rank).threads(1).fit(data, folder.resolve("member" + rank));
    }
    ThreadReplicas replicas = new ThreadReplicas(2);
    assertThatThrownBy(
            () ->
                onMembers(
                    replicas,
                    member -> linear().threads(1).replicas(member).resume(data, run(member))))
        .hasRootCauseMessage(
            "replica 0 of 2 starts after step 16, the others after others: expected one checkpoint");
  }

  @Test
  void anAveragedLastLayerOfClosedFormIsRefused() {
    Trainer trainer =
        precise("ssm", LastLayer.CLOSED_FORM).replicas(new ThreadReplicas(2).member(0), 5);
    assertThatThrownBy(() -> trainer.fit(images(), folder.resolve("run")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Trainer: a last layer in closed form can't be trained by replicas that average");
  }

  @Test
  void anIntervalBelowOneStepIsRefused() {
    assertThatThrownBy(() -> TrainerTest.small().replicas(ReplicaGroup.SINGLE, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Trainer.replicas: averages every 0 steps, expected at least 1");
  }
}
