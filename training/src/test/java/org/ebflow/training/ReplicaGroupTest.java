package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.ebflow.flow.Flow;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicaGroupTest {
  @TempDir Path folder;

  /** What two members train, each in a thread of its own. */
  private List<TrainedFlow> train(
      ThreadReplicas replicas, int every, Splits data, Supplier<Trainer> trainer)
      throws InterruptedException, ExecutionException {
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      List<Future<TrainedFlow>> members = new ArrayList<>();
      for (int rank = 0; rank < 2; rank++) {
        ReplicaGroup member = replicas.member(rank);
        members.add(
            threads.submit(
                () -> {
                  try {
                    return trainer
                        .get()
                        .threads(1)
                        .replicas(member, every)
                        .fit(data, folder.resolve("member" + member.rank()));
                  } catch (RuntimeException | Error e) {
                    replicas.fail();
                    throw e;
                  }
                }));
      }
      return List.of(members.get(0).get(), members.get(1).get());
    }
  }

  private static double nll(TrainedFlow model, Splits data) {
    try (Scorer scorer = new Scorer(model, Blas.auto(), 1)) {
      return scorer.evaluate(data.test()).nll();
    }
  }

  /**
   * With an epsilon far above the gradients RMSprop is gradient descent, which is linear in them.
   */
  private static Supplier<Trainer> descent(int batch) {
    return () ->
        Trainer.of(
                Flow.of(3)
                    .dense()
                    .smoothLeakyRelu(0.3)
                    .dense()
                    .precision(Precision.FLOAT64)
                    .build(),
                new MaximumLikelihood())
            .optimizer(new RmsProp(1e4, 0.99, 1e6, 0))
            .epochs(3)
            .batchSize(batch)
            .averageDecay(0.9)
            .seed(3);
  }

  @Test
  void twoMembersThatAverageEveryStepMakeTheStepsOfTwiceTheBatch() throws Exception {
    Splits data = TrainerTest.gaussians(1000, 3); // 800 rows to train: 16 batches of 50
    ThreadReplicas replicas = new ThreadReplicas(2);
    List<TrainedFlow> members = train(replicas, 1, data, descent(50));
    TrainedFlow one = descent(100).get().threads(1).fit(data, folder.resolve("one"));
    assertThat(replicas.averages(0)).isEqualTo(3 * 8);
    for (String name : one.flow().parameters().byName().keySet()) {
      Matrix expected = one.flow().parameters().byName().get(name);
      Matrix first = members.get(0).flow().parameters().byName().get(name);
      Matrix second = members.get(1).flow().parameters().byName().get(name);
      for (int r = 0; r < expected.rows(); r++) {
        for (int c = 0; c < expected.columns(); c++) {
          assertThat(first.get(r, c)).isEqualTo(second.get(r, c));
          assertThat(first.get(r, c)).as(name).isCloseTo(expected.get(r, c), within(1e-5));
        }
      }
    }
  }

  @Test
  void membersWithRatesOfTheirNumberEndNearTheModelOfOneProcess() throws Exception {
    Splits data = TrainerTest.gaussians(4000, 3);
    ThreadReplicas replicas = new ThreadReplicas(2);

    List<TrainedFlow> members = train(replicas, 10, data, () -> linear(2e-2));

    TrainedFlow one = linear(1e-2).threads(1).fit(data, folder.resolve("one"));
    TrainedFlow early = linear(1e-2).epochs(1).threads(1).fit(data, folder.resolve("early"));
    assertThat(nll(members.get(0), data)).isEqualTo(nll(members.get(1), data));
    assertThat(nll(members.get(0), data)).isCloseTo(nll(one, data), within(0.02));
    assertThat(nll(early, data)).isGreaterThan(nll(one, data) + 0.02);
    assertThat(Files.readString(folder.resolve("member0/config.json")))
        .contains("\"replicas\" : 2", "\"average_every\" : 10");
  }

  private static Trainer linear(double rate) {
    return Trainer.of(Flow.of(3).dense().build(), new MaximumLikelihood())
        .optimizer(new RmsProp(rate))
        .epochs(20)
        .schedule(0.8, 20)
        .batchSize(50)
        .seed(3);
  }

  @Test
  void theNumberOfStepsNeedNotBeAMultipleOfTheMembers() throws Exception {
    Splits data = TrainerTest.gaussians(1000, 3); // 800 rows: 9 batches of 90, the last of 80
    ThreadReplicas replicas = new ThreadReplicas(2);
    List<TrainedFlow> members = train(replicas, 4, data, descent(90));
    assertThat(nll(members.get(0), data)).isEqualTo(nll(members.get(1), data));
    assertThat(lastStep(folder.resolve("member0"))).isEqualTo(27);
    assertSameStates();
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
        assertThat(found.doubles()).as(name).isEqualTo(expected.doubles());
      }
    }
  }

  private static long lastStep(Path run) throws IOException {
    List<String> metrics = Files.readAllLines(run.resolve("metrics.csv"));
    return Long.parseLong(metrics.getLast().split(",")[0]);
  }

  @Test
  void anIntervalBelowOneStepIsRefused() {
    assertThatThrownBy(() -> TrainerTest.small().replicas(ReplicaGroup.SINGLE, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("Trainer.replicas: averages every 0 steps, expected at least 1");
  }
}
