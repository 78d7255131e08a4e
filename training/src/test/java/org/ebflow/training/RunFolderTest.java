package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.preprocessing.Standardize;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {
  private static final int JOBS = 16;

  @TempDir private Path folder;

  @Test
  void jobsThatStartTogetherHaveFoldersOfTheirOwn() throws Exception {
    Path wanted = folder.resolve("runs").resolve("quickstart-20261127-001500");
    CyclicBarrier together = new CyclicBarrier(JOBS);
    Callable<Path> job =
        () -> {
          together.await();
          return RunFolder.claim(wanted);
        };
    List<Path> claimed = new ArrayList<>();
    try (ExecutorService jobs = Executors.newFixedThreadPool(JOBS)) {
      List<Future<Path>> started = new ArrayList<>();
      for (int i = 0; i < JOBS; i++) {
        started.add(jobs.submit(job));
      }
      for (Future<Path> path : started) {
        claimed.add(path.get());
      }
    }
    assertThat(claimed).doesNotHaveDuplicates().allMatch(Files::isDirectory).contains(wanted);
    assertThat(claimed)
        .contains(wanted.resolveSibling(wanted.getFileName() + "-2"))
        .contains(wanted.resolveSibling(wanted.getFileName() + "-" + JOBS));
  }

  private RunFolder trainedOn(Path table) {
    RunFolder run = new RunFolder(folder.resolve("run"));
    Trainer.of(Flow.of(2).dense().build(), new MaximumLikelihood())
        .preprocessing(Standardize.byTrainingSet())
        .steps(1)
        .fit(load(table), run.path());
    return run;
  }

  private static Splits load(Path table) {
    return DataSources.in(null).load(table.toString(), 1);
  }

  private static Splits allOf(Dataset rows) {
    return new Splits(rows, rows, rows);
  }

  private static String rows(double last) {
    return "a,b\n" + "1,2\n2,1\n3,5\n".repeat(20) + "4," + last + "\n";
  }

  @Test
  void theDataOfTheRunAreAccepted() throws IOException {
    Path table = Files.writeString(folder.resolve("table.csv"), rows(7));
    RunFolder run = trainedOn(table);
    run.requireDataOfRun(load(table));
    Path moved = Files.move(table, folder.resolve("other.csv"));
    run.requireDataOfRun(load(moved));
  }

  @Test
  void aCopiedCheckpointIsAllThatResumingReads() throws IOException {
    Splits data = load(Files.writeString(folder.resolve("table.csv"), rows(7)));
    RunFolder run = new RunFolder(folder.resolve("run"));
    trainer(1).fit(data, run.path());
    Path copy = folder.resolve("copy");
    run.copyCheckpoint(copy);
    assertThat(copy.resolve("baselines")).doesNotExist();
    for (String file :
        List.of(
            "config.json",
            "last/state.safetensors",
            "model.safetensors",
            "metrics.csv",
            "run.log")) {
      assertThat(copy.resolve(file)).hasSameBinaryContentAs(run.path().resolve(file));
    }

    trainer(2).resume(data, copy);
    trainer(2).resume(data, run.path());

    assertThat(new RunFolder(copy).model()).hasSameBinaryContentAs(run.model());
  }

  private static Trainer trainer(int epochs) {
    return Trainer.of(Flow.of(2).dense().build(), new MaximumLikelihood())
        .preprocessing(Standardize.byTrainingSet())
        .epochs(epochs);
  }

  @Test
  void aRunIsLockedUntilTheLockIsClosed() {
    RunFolder run = new RunFolder(folder.resolve("run"));
    try (RunFolder.Lock _ = run.lock()) {
      assertThatThrownBy(run::lock)
          .isInstanceOf(InvalidInputException.class)
          .hasMessageEndingWith("found it being trained");
    }
    run.lock().close();
  }

  @Test
  void changedDataAreRefusedWithBothHashes() throws IOException {
    Path table = Files.writeString(folder.resolve("table.csv"), rows(7));
    RunFolder run = trainedOn(table);
    String expected = load(table).train().sha256();
    Dataset changed = load(Files.writeString(table, rows(8))).train();
    assertThat(changed.sha256()).hasSize(64).isNotEqualTo(expected);
    assertThatThrownBy(() -> run.requireDataOfRun(load(table)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            changed.name()
                + ": expected the data of the run, SHA-256 "
                + expected
                + ", found "
                + changed.sha256());
    Dataset generated = Dataset.of(new double[][] {{1, 2}});
    assertThatThrownBy(() -> run.requireDataOfRun(allOf(generated)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith(
            ": expected the data of the run, SHA-256 " + expected + ", found none");
  }

  @Test
  void dataOfNoFileAreToldFromThoseOfAFile() throws IOException {
    RunFolder run = new RunFolder(folder.resolve("run"));
    Dataset rows = Dataset.of(new double[][] {{1, 2}, {2, 1}, {3, 5}, {4, 4}});
    Trainer.of(Flow.of(2).dense().build(), new MaximumLikelihood())
        .steps(1)
        .fit(rows.split(0.5, 0.25, 0.25), run.path());
    run.requireDataOfRun(allOf(rows));
    Dataset table = load(Files.writeString(folder.resolve("table.csv"), rows(7))).train();
    assertThatThrownBy(() -> run.requireDataOfRun(allOf(table)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith(
            ": expected the data of the run, SHA-256 none, found " + table.sha256());
  }

  @Test
  void aRunThatNamesNoHashAcceptsAllData() throws IOException {
    RunFolder run = new RunFolder(folder);
    Files.writeString(run.config(), "{\"format\": \"ebflow-run-1\", \"data\": {}}");
    run.requireDataOfRun(allOf(Dataset.of(new double[][] {{1, 2}})));
  }

  @Test
  void aLineOfTheLogStaysOneLine() throws IOException {
    new RunFolder(folder).log("column a\nb");
    assertThat(Files.readAllLines(folder.resolve("run.log")))
        .singleElement()
        .asString()
        .endsWith(" column a\\nb");
  }
}
