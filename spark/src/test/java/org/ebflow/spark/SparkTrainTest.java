package org.ebflow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Serial;
import java.io.StringWriter;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.BarrierTaskContext;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.spark.ReplicaTraining.Settings;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SparkTrainTest {
  /** Changes of the quickstart that every run has, after a number of steps. */
  private static final List<String> SMALL =
      List.of("model.blocks=2", "model.width=8", "training.epochs=0");

  @TempDir Path folder;
  private Optional<ReplicaFailures.Failure> ended = Optional.empty();

  @ParameterizedTest
  @CsvSource({"2, 1000, FLOAT32", "3, 50000, FLOAT64", "5, 3, FLOAT32"}) // some chunks are empty
  void aRingGivesAllMembersTheSameSums(int size, int length, Precision precision) throws Exception {
    String[] texts = new String[size];
    CyclicBarrier barrier = new CyclicBarrier(size);
    List<Future<Matrix>> members = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(size)) {
      for (int member = 0; member < size; member++) {
        int rank = member;
        members.add(
            threads.submit(
                () -> {
                  try (RingReplicas replicas =
                      RingReplicas.connect(
                          rank,
                          size,
                          InetAddress.getLoopbackAddress(),
                          mine -> gathered(texts, rank, mine, barrier))) {
                    Matrix whole = Matrix.allocate(precision, 1, length + 7);
                    Matrix numbers = whole.columns(7, length + 7); // off the array's start
                    for (int c = 0; c < length; c++) {
                      numbers.set(0, c, rank * 1.5 + c);
                    }
                    Matrix other = Matrix.allocate(Precision.FLOAT64, 1, 2);
                    for (int round = 0; round < 2; round++) { // the sums of sums
                      other.set(0, 1, 1);
                      replicas.sum(List.of(numbers, other));
                      assertThat(other.get(0, 1)).isEqualTo(size);
                      assertThat(replicas.ofFirst(rank == 0)).isTrue();
                      assertThat(replicas.ofFirst(rank != 0)).isFalse();
                    }
                    return numbers;
                  }
                }));
      }
      for (Future<Matrix> member : members) {
        for (int c = 0; c < length; c++) {
          assertThat(member.get().get(0, c))
              .isCloseTo(size * size * ((size - 1) * 0.75 + c), within(1e-2));
          assertThat(member.get().get(0, c)).isEqualTo(members.getFirst().get().get(0, c));
        }
      }
    }
  }

  private static String[] gathered(String[] texts, int rank, String mine, CyclicBarrier barrier) {
    texts[rank] = mine;
    try {
      barrier.await();
      return texts.clone();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private record Outcome(int exit, String err) {}

  private static Outcome train(String recipe, Path run, String... options) {
    assertThat(LocalSpark.SESSION.sparkContext().isStopped()).isFalse();
    List<String> arguments = new ArrayList<>(List.of(recipe, "--out", run.toString()));
    arguments.addAll(List.of(options));
    if (!arguments.contains("--replicas")) {
      arguments.addAll(List.of("--replicas", "2"));
    }
    SMALL.forEach(change -> arguments.addAll(List.of("--set", change)));
    StringWriter err = new StringWriter();
    int exit = new SparkTrain().run(new PrintWriter(err, true), arguments.toArray(String[]::new));
    return new Outcome(exit, err.toString());
  }

  private static String train(Path run, String... options) {
    return train("quickstart", run, options).err();
  }

  private static Recipe quickstart() {
    Recipe recipe = Recipe.named("quickstart").set("training.steps", "300");
    for (String change : SMALL) {
      recipe = recipe.set(change.split("=")[0], change.split("=")[1]);
    }
    return recipe;
  }

  @Test
  void twoTasksTrainTheRunOfOneProcess() throws IOException {
    Path run = folder.resolve("run");
    String said = train(run, "--set", "training.steps=300");

    Matcher nll = Pattern.compile("on 2 replicas into .*: test NLL (\\S+) nats").matcher(said);
    assertThat(nll.find()).as(said).isTrue();
    Splits data = quickstart().load(DataSources.in(null));
    TrainedFlow one =
        quickstart().trainer(data.train()).threads(1).fit(data, folder.resolve("one"));
    try (Scorer scorer = new Scorer(one, Blas.auto(), 1)) {
      assertThat(Double.parseDouble(nll.group(1)))
          .isCloseTo(scorer.evaluate(data.test()).nll(), within(1e-3));
    }
    for (String file : List.of("config.json", "metrics.csv", "last/state.safetensors")) {
      assertThat(run.resolve(file)).isNotEmptyFile();
    }
    assertThat(Files.readString(run.resolve("config.json"))).contains("\"replicas\" : 2");
  }

  @Test
  void aLongerRunGoesOnFromTheCheckpoint() throws IOException {
    Path run = folder.resolve("run");
    String few = "training.batch_size=50";
    train(run, "--average-every", "5", "--set", "training.steps=20", "--set", few);
    train(run, "--average-every", "5", "--set", "training.steps=40", "--set", few);
    List<String> log = Files.readAllLines(run.resolve("run.log"));
    assertThat(log).anyMatch(line -> line.contains("resumed after step 20"));
    try (Stream<String> lines = Files.lines(run.resolve("metrics.csv"))) {
      assertThat(lines.toList().getLast()).startsWith("40,");
    }
  }

  /** Its second replica fails after 30 steps, when the stage is tried for the first time. */
  private static final class FailingOnce extends ReplicaTraining {
    @Serial private static final long serialVersionUID = 1;

    private static final Set<Path> FOLDERS = ConcurrentHashMap.newKeySet();
    private final RuntimeException failure;

    FailingOnce(Settings settings, RuntimeException failure) {
      super(settings);
      this.failure = failure;
    }

    @Override
    TrainingListener listener() {
      BarrierTaskContext task = BarrierTaskContext.get();
      boolean fails = task.partitionId() == 1 && task.stageAttemptNumber() == 0;
      return new TrainingListener() {
        @Override
        public void started(Plan plan) {
          FOLDERS.add(plan.run());
        }

        @Override
        public void stepped(Progress progress) {
          if (fails && progress.step() == 30) {
            throw failure;
          }
        }
      };
    }
  }

  private static ReplicaTraining failing(Settings settings) {
    return new FailingOnce(settings, new IllegalStateException("a task that fails once"));
  }

  private Path train(String name, int averageEvery, Function<Settings, ReplicaTraining> task) {
    List<String> changes =
        new ArrayList<>(
            List.of("training.steps=40", "training.evaluate_steps=20", "training.batch_size=50"));
    changes.addAll(SMALL);
    Path run = folder.resolve(name);
    Recipe recipe = Recipe.named("quickstart");
    for (String change : changes) {
      recipe = recipe.set(change.split("=")[0], change.split("=")[1]);
    }
    Settings settings = Settings.of("quickstart", recipe, null, run, averageEvery);
    ended = SparkTrain.train(LocalSpark.SESSION, 2, task.apply(settings));
    return run;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 10})
  void aStageThatFailedEndsWithTheBitsOfOneThatDidNot(int averageEvery) throws IOException {
    FailingOnce.FOLDERS.clear();
    Path failed = train("failed", averageEvery, SparkTrainTest::failing);
    assertThat(FailingOnce.FOLDERS).hasSize(3).filteredOn(Files::exists).containsExactly(failed);
    Path whole = train("whole", averageEvery, ReplicaTraining::new);
    assertThat(ended).isEmpty();
    assertThat(failed.resolve("run.log")).content().contains("resumed after step 20");
    assertThat(whole.resolve("run.log")).content().doesNotContain("resumed");
    assertThat(failed.resolve("model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("model.safetensors"));
    assertThat(tensors(failed)).isEqualTo(tensors(whole));
  }

  @Test
  void aReplicaWhoseInputIsWrongEndsTheRunForGood() {
    Path run =
        train(
            "run",
            0,
            settings -> new FailingOnce(settings, new InvalidInputException("rows: expected 2")));
    assertThat(ended).hasValue(new ReplicaFailures.Failure(2, "rows: expected 2"));
    assertThat(run.resolve("run.log")).content().doesNotContain("resumed");
  }

  @Test
  void executorsNeedNoFileThatTheDriverNamedFromItsOwnFolder() throws IOException {
    Path file = folder.resolve("my.json");
    Files.writeString(
        file,
        quickstart()
            .set("data.name", "rows.csv")
            .set("data.validation", "more/../validation.csv")
            .set("data.test", "more/test.csv")
            .toJson());
    Settings settings =
        Settings.of(file.toString(), Recipe.ofFile(file), Path.of("src"), Path.of("run"), 0);
    Files.delete(file);

    Path here = Path.of("").toAbsolutePath();
    assertThat(settings.data()).isEqualTo(here.resolve("src").toString());
    assertThat(settings.run()).isEqualTo(here.resolve("run").toString());
    Recipe found = settings.recipe();
    assertThat(found.data()).isEqualTo(here.resolve("rows.csv").toString());
    assertThat(found.validationFile()).isEqualTo(here.resolve("validation.csv").toString());
    assertThat(found.testFile()).isEqualTo(here.resolve("more/test.csv").toString());
    assertThat(found.set("data.name", "a").set("data.validation", "").set("data.test", "").toMap())
        .isEqualTo(quickstart().set("data.name", "a").toMap());
  }

  /** The state's numbers, behind the header with the run's own name. */
  private static byte[] tensors(Path run) throws IOException {
    byte[] bytes = Files.readAllBytes(run.resolve("last/state.safetensors"));
    int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    return Arrays.copyOfRange(bytes, 8 + header, bytes.length);
  }

  @Test
  void roundedProductsAreRefusedInOneLineWhereTheExecutorHasNone() {
    assumeFalse(Blas.named("onednn").multipliesBFloat16(), "this processor has such products");
    String[] rounded = {"--set", "training.steps=20", "--set", "training.precision=bf16"};
    assertThat(train(folder.resolve("run"), rounded))
        .contains("ebflow: precision bf16: the executor's processor has no such products")
        .doesNotContain("\tat ");
  }

  @ParameterizedTest
  @CsvSource({"0", "5"})
  void aRunThatDivergesEndsWithOneLineAndIsNotTriedAgain(String averageEvery) throws IOException {
    Path run = folder.resolve("run");
    Outcome outcome =
        train(
            "quickstart",
            run,
            "--average-every",
            averageEvery,
            "--set",
            "training.steps=150",
            "--set",
            "optimizer.lr=1e30");
    assertThat(outcome.err()).startsWith("ebflow: ").contains("the last good checkpoint");
    assertThat(outcome.err()).hasLineCount(1);
    assertThat(outcome.exit()).isEqualTo(1);
    assertThat(Files.readAllLines(run.resolve("run.log")))
        .filteredOn(line -> line.contains("started") || line.contains("resumed"))
        .hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--replicas 0 | --replicas is 0, expected at least 1",
        "--average-every -3 | --average-every is -3, expected at least 0",
        "--set training.steps=20 --set data.name=/no/such.csv | /no/such.csv: expected a file or one of",
      })
  void wrongInputIsOneLineAndEndsWithItsCode(String options, String message) {
    Outcome outcome = train("quickstart", folder.resolve("run"), options.split(" "));
    assertThat(outcome.err()).startsWith("ebflow: " + message).hasLineCount(1);
    assertThat(outcome.exit()).isEqualTo(2);
  }

  @Test
  void aRunGoesOnWhateverElseLiesInItsFolder() throws IOException {
    Path run = folder.resolve("run");
    train(run, "--set", "training.steps=20");
    Files.createSymbolicLink(Files.createDirectories(run.resolve("plots")).resolve("up"), run);
    Outcome outcome = train("quickstart", run, "--set", "training.steps=40");
    assertThat(outcome.err()).startsWith("trained ");
    assertThat(run.resolve("run.log")).content().contains("resumed after step 20");
  }

  @Test
  void aWrongRecipeIsOneLine() {
    assertThat(train(folder.resolve("run"), "--set", "training.batch_sise=7"))
        .startsWith("ebflow: ")
        .contains("batch_size")
        .hasLineCount(1);
  }
}
