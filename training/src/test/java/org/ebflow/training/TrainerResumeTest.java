package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.training.data.Splits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goes on with runs from their last checkpoint. */
final class TrainerResumeTest {
  @TempDir Path folder;

  @Test
  void aResumedRunEndsWithTheSameBits() throws IOException {
    assertResumes(TrainerTest.gaussians(700, 3), TrainerTest::small, 1, 5, 12, 13, 30);
  }

  @Test
  void aResumedRunWithRoundedProductsEndsWithTheSameBits() throws IOException {
    Blas blas = Blas.named("onednn");
    assumeTrue(blas.multipliesBFloat16(), "oneDNN has no bfloat16 products on this processor");
    int dimension = 130; // the least whose weights are large
    assertResumes(
        TrainerTest.gaussians(240, dimension),
        () -> TrainerTest.small(dimension).epochs(2).blas(blas).bfloat16(true),
        1,
        5);
  }

  @Test
  void aResumedRunOfAMultiScaleFlowEndsWithTheSameBits() throws IOException {
    assertResumes(TrainerTest.pictures(300), () -> TrainerTest.multiScale(true).epochs(3), 2, 7);
  }

  /** Of moments that are averaged over several updates of the last layer. */
  @Test
  void aResumedRunWithALastLayerInClosedFormEndsWithTheSameBits() throws IOException {
    assertResumes(
        TrainerTest.gaussians(700, 10),
        () -> TrainerTest.small(10).batchSize(4).epochs(2).lastLayer(LastLayer.CLOSED_FORM),
        1,
        60,
        149,
        200);
  }

  private void assertResumes(Splits data, Supplier<Trainer> trainer, int... stops)
      throws IOException {
    trainer.get().fit(data, folder.resolve("whole"));
    for (int stopAfter : stops) {
      Path run = folder.resolve("stopped" + stopAfter);
      Trainer stopping = trainer.get();
      stopping.listener(
          new TrainingListener() {
            @Override
            public void stepped(Progress progress) {
              if (progress.step() == stopAfter) {
                stopping.requestStop();
              }
            }
          });
      assertThatThrownBy(() -> stopping.fit(data, run))
          .isInstanceOf(TrainingInterruptedException.class);
      trainer.get().resume(data, run);
      for (String file : List.of("model.safetensors")) {
        assertThat(Files.readAllBytes(run.resolve(file)))
            .isEqualTo(Files.readAllBytes(folder.resolve("whole").resolve(file)));
      }
      assertThat(withoutTimes(run)).isEqualTo(withoutTimes(folder.resolve("whole")));
    }
  }

  @Test
  void aStoppedTrainerResumesToTheEnd() {
    Splits data = TrainerTest.gaussians(300, 3);
    Trainer trainer = TrainerTest.small();
    List<Long> steps = new ArrayList<>();
    trainer.listener(
        new TrainingListener() {
          @Override
          public void stepped(Progress progress) {
            steps.add(progress.step());
            if (progress.step() == 3) {
              trainer.requestStop();
            }
          }
        });
    Path run = folder.resolve("run");
    assertThatThrownBy(() -> trainer.fit(data, run))
        .isInstanceOf(TrainingInterruptedException.class);
    trainer.resume(data, run);
    assertThat(steps).doesNotHaveDuplicates().hasSizeGreaterThan(4);
  }

  /** metrics.csv without the columns that a clock decides. */
  private static List<String> withoutTimes(Path run) throws IOException {
    return Files.readAllLines(run.resolve("metrics.csv")).stream()
        .map(line -> line.split(",", -1))
        .map(
            cells ->
                String.join(
                    ",", cells[0], cells[1], cells[3], cells[4], cells[5], cells[6], cells[7],
                    cells[8]))
        .toList();
  }

  @Test
  void aResumedRunWithAnImpossibleValidationRowEndsWithTheSameBits() throws IOException {
    assertResumes(
        TrainerTest.withValidation(TrainerTest.gaussians(700, 3), new double[] {1e300, 1, 1}),
        TrainerTest::small,
        5,
        13);
  }

  @Test
  void theStateOfARunThatCountedNoImpossibleRowsIsResumed() {
    Splits data = TrainerTest.gaussians(300, 3);
    Path run = folder.resolve("old");
    TrainerTest.small().epochs(2).fit(data, run);
    Path file = run.resolve("last/state.safetensors");
    try (Safetensors state = Safetensors.read(file)) {
      Map<String, String> metadata = new LinkedHashMap<>(state.metadata());
      assertThat(metadata.remove("best_impossible")).isEqualTo("0");
      Map<String, Matrix> tensors = new LinkedHashMap<>();
      for (String name : state.names()) {
        Matrix tensor =
            Matrix.allocate(state.precision(name), state.rows(name), state.columns(name));
        state.copyTo(name, tensor);
        tensors.put(name, tensor);
      }
      Safetensors.write(file, tensors, metadata);
    }
    double[][] rows = {{1, 2, 3}};
    assertThat(TrainerTest.small().resume(data, run).logProb(rows))
        .isEqualTo(TrainerTest.small().fit(data, folder.resolve("whole")).logProb(rows));
  }

  @Test
  void aRunThatIsBeingTrainedIsRefused() {
    Splits data = TrainerTest.gaussians(300, 3);
    Path run = folder.resolve("busy");
    TrainerTest.small().fit(data, run);
    try (RunFolder.Lock _ = new RunFolder(run).lock()) {
      assertThatThrownBy(() -> TrainerTest.small().resume(data, run))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("being trained");
    }
    Path fresh = folder.resolve("fresh");
    try (RunFolder.Lock _ = new RunFolder(fresh).lock()) {
      assertThatThrownBy(() -> TrainerTest.small().fit(data, fresh))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContaining("being trained");
      assertThat(fresh.resolve("metrics.csv")).doesNotExist(); // nothing of the other's is touched
    }
    TrainerTest.small().resume(data, run);
  }

  @Test
  void theStateOfAnotherModelIsRefused() {
    Splits data = TrainerTest.gaussians(300, 3);
    Path run = folder.resolve("three");
    TrainerTest.small().fit(data, run);
    assertThatThrownBy(() -> TrainerTest.small(2).resume(TrainerTest.gaussians(300, 2), run))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected the state of 12 weights")
        .hasMessageContaining("that of 24");
  }

  @Test
  void aRunIsNotResumedForFewerStepsThanItHasMade() throws IOException {
    Splits data = TrainerTest.gaussians(300, 3);
    Path run = folder.resolve("long");
    TrainerTest.small().epochs(3).fit(data, run);
    String config = Files.readString(run.resolve("config.json"));
    assertThatThrownBy(() -> TrainerTest.small().epochs(2).resume(data, run))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("steps that the run has made");
    assertThat(run.resolve("config.json")).hasContent(config);
  }
}
