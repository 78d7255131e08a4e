package org.ebflow.cli.table;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.ebflow.cli.TestRuns;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.InputFiles;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.data.UnreadableInputException;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TableScoringTest {
  private static final int GROUP = 64;
  private static final int ROWS = 500;

  @TempDir private static Path runs;
  private static TrainedFlow model;

  @TempDir private Path folder;
  private List<ScoringInput> inputs;
  private Path scores;

  /** Rows that went on behind an earlier call's, of the last call. */
  private final AtomicLong resumed = new AtomicLong();

  @BeforeAll
  static void train() throws IOException {
    model = TestRuns.table(runs.resolve("run"), 2);
  }

  /** Three tables, every seventh row bad, one row of density zero. */
  @BeforeEach
  void write() throws IOException {
    TableOptions options = TableOptions.DEFAULT.withIdColumn("id").forModel(model.columns());
    inputs =
        IntStream.range(0, 3)
            .mapToObj(
                table -> {
                  StringBuilder text = new StringBuilder("id,a,b\n");
                  for (int r = 0; r < ROWS; r++) {
                    text.append(table).append('-').append(r).append(',').append(r / 100.0);
                    text.append(r == 333 ? ",1e300" : r % 7 == 3 ? ",x" : ",0.5").append('\n');
                  }
                  Path file = text(table + ".csv", text.toString());
                  return ScoringInput.match(InputFiles.of(file), options, null);
                })
            .toList();
    scores = Files.createDirectory(folder.resolve("scores"));
  }

  private Path text(String name, String text) {
    try {
      return TestRuns.text(folder.resolve(name), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One call that stops after so many blocks. */
  private TableScoring.Summary score(Path out, String call, int blockRows, int blocks) {
    return score(out, call, 0, blockRows, blocks);
  }

  private TableScoring.Summary score(Path out, String call, int top, int blockRows, int blocks) {
    return score(out, call, top, blockRows, blocks, () -> {});
  }

  /** Stops after so many blocks, behind something that is done then. */
  private TableScoring.Summary score(
      Path out, String call, int blockRows, int blocks, Runnable then) {
    return score(out, call, 0, blockRows, blocks, then);
  }

  private TableScoring.Summary score(
      Path out, String call, int top, int blockRows, int blocks, Runnable then) {
    resumed.set(0);
    int threads = 1 + blockRows % 3;
    try (Scorer scorer = new Scorer(model, Blas.named("java"), threads)) {
      TableScoring scoring = new TableScoring(model, scorer, inputs, blockRows, false, top, GROUP);
      return scoring.run(
          out,
          Path.of(out + ".rejected.csv"),
          call,
          new ScoringProgress() {
            private int written;

            @Override
            public void resumed(long rows) {
              resumed.set(rows);
            }

            @Override
            public void scored(long rows) {
              if (++written == blocks) {
                then.run();
                scoring.requestStop();
              }
            }
          });
    }
  }

  @Test
  void anInstanceRunsOnce() {
    Path rejected = folder.resolve("rejected.csv");
    try (Scorer scorer = new Scorer(model, Blas.named("java"), 1)) {
      TableScoring scoring = new TableScoring(model, scorer, inputs, 7, false, 0, GROUP);
      scoring.run(folder.resolve("a.csv"), rejected, "a", ScoringProgress.NONE);
      assertThatThrownBy(
              () -> scoring.run(folder.resolve("b.csv"), rejected, "b", ScoringProgress.NONE))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("TableScoring has run already, expected a new one");
    }
    assertThat(folder.resolve("b.csv")).doesNotExist();
  }

  private static void assertSame(Path one, Path other) throws IOException {
    for (String end : List.of("", ".rejected.csv")) {
      assertThat(Files.mismatch(Path.of(one + end), Path.of(other + end))).as(end).isEqualTo(-1);
    }
  }

  /** The same rows without ids, in files whose good rows are read many at once. */
  private void withoutIds() throws IOException {
    double[][] rows = new double[ROWS][];
    for (int r = 0; r < ROWS; r++) {
      rows[r] = new double[] {r / 100.0, r == 333 ? 1e300 : r % 7 == 3 ? Double.NaN : .5};
    }
    inputs = new ArrayList<>();
    for (int table = 0; table < 3; table++) {
      Path file = folder.resolve(table + ".npy");
      NpyWriter.write(file, Matrix.ofRows(Precision.FLOAT64, rows));
      inputs.add(
          ScoringInput.match(
              InputFiles.of(file), TableOptions.DEFAULT.forModel(model.columns()), null));
    }
  }

  @ParameterizedTest
  @CsvSource({"csv, true", "npy, true", "parquet, true", "csv, false", "parquet, false"})
  void stoppedAgainAndAgainItGivesTheBytesOfOneGo(String format, boolean ids) throws IOException {
    if (!ids) {
      withoutIds();
    }
    Path whole = folder.resolve("whole." + format);
    TableScoring.Summary expected = score(whole, "call", 1000, -1);
    assertThat(expected.complete()).isTrue();
    assertThat(expected.scored() + expected.rejected()).isEqualTo(3 * ROWS);
    assertThat(expected.impossible()).isEqualTo(3);

    Path out = scores.resolve("out." + format);
    TableScoring.Summary summary;
    int calls = 0;
    long before = 0;
    do {
      summary = score(out, "call", 20 + calls % 3, 6 + calls % 2);
      assertThat(resumed.get()).isEqualTo(before);
      before = summary.scored();
      calls++;
      assertThat(Files.exists(out)).isEqualTo(summary.complete());
    } while (!summary.complete() && calls < 50);
    assertThat(calls).isBetween(5, 49);
    assertThat(summary).isEqualTo(expected);
    assertSame(out, whole);
    try (Stream<Path> left = Files.list(scores)) {
      assertThat(left).hasSize(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"csv", "npy", "parquet"})
  void theLowestRowsAreThoseOfOneGoHoweverOftenItIsStopped(String format) throws IOException {
    Path whole = folder.resolve("whole." + format);
    TableScoring.Summary expected = score(whole, "call", 9, 1000, -1);
    Path out = scores.resolve("out." + format);
    int calls = 0;
    while (!score(out, "call", 9, 20 + calls % 3, 6 + calls % 2).complete()) {
      calls++;
      assertThat(out).doesNotExist();
      assertThat(calls).isLessThan(50);
    }
    assertThat(calls).isGreaterThanOrEqualTo(5);
    assertThat(resumed.get()).isPositive();
    assertThat(score(scores.resolve("again." + format), "call", 9, 7, -1)).isEqualTo(expected);
    assertSame(out, whole);
    assertSame(scores.resolve("again." + format), whole);
    try (Stream<Path> left = Files.list(scores)) {
      assertThat(left).hasSize(4);
    }
  }

  /** Every table has the same rows: of three of one log p those of the earlier tables are kept. */
  @Test
  void ofEqualRowsTheEarlierAreLower() throws IOException {
    Path out = scores.resolve("out.csv");
    score(scores.resolve("all.csv"), "call", 0, 100, -1);
    score(out, "call", 11, 100, -1);
    List<String> all = Files.readAllLines(scores.resolve("all.csv"));
    List<String> sorted =
        all.stream()
            .skip(1)
            .sorted(Comparator.comparingDouble(line -> Double.parseDouble(line.split(",")[1])))
            .limit(11)
            .toList();
    assertThat(Files.readAllLines(out).subList(1, 12)).isEqualTo(sorted);
    assertThat(sorted.stream().map(line -> line.split(",")[0]))
        .startsWith("0-333", "1-333", "2-333")
        .endsWith("0-497", "1-497");
  }

  /**
   * A killed call has written on behind its last checkpoint, a full disk in the middle of a row.
   */
  @ParameterizedTest
  @ValueSource(strings = {"csv", "npy", "parquet"})
  void whatLiesBehindTheCheckpointIsWrittenAgain(String format) throws IOException {
    Path whole = folder.resolve("whole." + format);
    score(whole, "call", 50, -1);
    Path out = scores.resolve("out." + format);
    score(out, "call", 50, 9);
    for (String end : List.of(".part", ".rejected.csv.part")) {
      Path part = Path.of(out + end);
      byte[] bytes = Files.readAllBytes(part);
      byte[] longer = Arrays.copyOf(bytes, bytes.length + 17);
      Files.write(part, longer);
    }
    assertThat(score(out, "call", 50, -1).complete()).isTrue();
    assertThat(resumed.get()).isPositive();
    assertSame(out, whole);
  }

  @Test
  void anotherCallBeginsAnew() throws IOException {
    Path out = scores.resolve("out.csv");
    score(out, "call", 50, 9);
    assertThat(score(out, "another", 50, -1).complete()).isTrue();
    assertThat(resumed.get()).isZero();
    score(folder.resolve("whole.csv"), "another", 50, -1);
    assertSame(out, folder.resolve("whole.csv"));
  }

  /**
   * Killed before a checkpoint of its own, the second call leaves parts that are not the first's.
   */
  @Test
  void aCallThatBeginsAnewLeavesNoStateOfTheOther() {
    Path out = scores.resolve("out.csv");
    score(out, "call", 50, 9);
    long bytes = Long.MAX_VALUE; // as many as the first has left, or more
    assertThat(new ScoringCheckpoint(out, "another").read(bytes, bytes))
        .isEqualTo(ScoringState.START);
    assertThat(new ScoringCheckpoint(out, "call").read(bytes, bytes)).isEqualTo(ScoringState.START);
  }

  /** The name stands in the files of rejected rows, and in the ids of pictures. */
  @Test
  void theSameFileByAnotherNameIsAnotherInput() {
    ScoringInput first = inputs.getFirst();
    ScoringInput byPattern =
        ScoringInput.match(InputFiles.of(folder.resolve("[0].csv")), first.options(), null);
    assertThat(byPattern.files().files()).isEqualTo(first.files().files());
    assertThat(byPattern.versions().toList()).isNotEqualTo(first.versions().toList());
  }

  @Test
  void lostOrDamagedPartsBeginAnew() throws IOException {
    Path whole = folder.resolve("whole.csv");
    score(whole, "call", 50, -1);
    Path out = scores.resolve("out.csv");
    score(out, "call", 50, 9);
    Files.delete(Path.of(out + ".part"));
    assertThat(score(out, "call", 50, -1).complete()).isTrue();
    assertThat(resumed.get()).isZero();
    assertSame(out, whole);
    score(out, "call", 50, 9);
    Files.writeString(Path.of(out + ".state.json"), "{\"call\": \"call\", \"rows\"");
    assertThat(score(out, "call", 50, -1).complete()).isTrue();
    assertThat(resumed.get()).isZero();
    assertSame(out, whole);
  }

  /** A digit of a row's number would lose rows, or give them twice. */
  @Test
  void aChangedStateIsNotGoneOnFrom() throws IOException {
    Path whole = folder.resolve("whole.csv");
    score(whole, "call", 50, -1);
    Path out = scores.resolve("out.csv");
    Path state = Path.of(out + ".state.json");
    Random random = new Random(3);
    for (int i = 0; i < 16; i++) {
      score(out, "call", 50, 9);
      byte[] bytes = Files.readAllBytes(state);
      if (i % 4 == 0) {
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      } else {
        int at;
        do {
          at = random.nextInt(bytes.length);
        } while (bytes[at] < '0' || bytes[at] > '9');
        bytes[at] = (byte) ('0' + random.nextInt(10));
      }
      Files.write(state, bytes);
      assertThat(score(out, "call", 50, -1).complete()).isTrue();
      assertSame(out, whole);
    }
  }

  @Test
  void aSecondCallIsRefusedWhileTheFirstWrites() {
    Path out = scores.resolve("out.csv");
    try (OutputFile first = OutputFile.resumable(out)) {
      assertThatThrownBy(() -> score(out, "call", 50, -1))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessage(out + ": cannot be written: another call is writing it");
      first.discard();
    }
  }

  /** As one on a network drive that is gone. */
  @Test
  void anInputThatCannotBeReadKeepsWhatIsThere() throws IOException {
    Path whole = folder.resolve("whole.csv");
    score(whole, "call", 50, -1);
    Path out = scores.resolve("out.csv");
    score(out, "call", 50, 22);
    Path last = inputs.get(2).files().name();
    Path aside = Files.move(last, folder.resolve("aside.csv"));
    assertThatThrownBy(() -> score(out, "call", 50, -1))
        .isInstanceOf(UnreadableInputException.class)
        .hasMessage(last + ": expected a file, found none");
    Path failing = Path.of("/proc/self/mem"); // Linux refuses to read its first page
    if (Files.isRegularFile(failing)) {
      Files.createSymbolicLink(last, failing);
      assertThatThrownBy(() -> score(out, "call", 50, -1))
          .isInstanceOf(UnreadableInputException.class)
          .hasMessageStartingWith(last + ": cannot be read: ");
      Files.delete(last);
    }
    Files.move(aside, last);
    assertThat(score(out, "call", 50, -1).complete()).isTrue();
    assertThat(resumed.get()).isPositive();
    assertSame(out, whole);
  }

  @Test
  void aFaultOfTheProgramKeepsWhatIsThere() throws IOException {
    Path whole = folder.resolve("whole.csv");
    score(whole, "call", 1000, -1);
    Path out = scores.resolve("out.csv");
    long scored = score(out, "call", 20, 6).scored();
    for (Throwable fault :
        List.of(new OutOfMemoryError("here"), new IllegalStateException("here"))) {
      assertThatThrownBy(() -> score(out, "call", 20, 1, () -> throwIt(fault))).isSameAs(fault);
    }
    assertThat(score(out, "call", 20, -1).complete()).isTrue();
    assertThat(resumed.get()).isGreaterThanOrEqualTo(scored);
    assertSame(out, whole);
  }

  private static void throwIt(Throwable fault) {
    if (fault instanceof Error e) {
      throw e;
    }
    throw (RuntimeException) fault;
  }

  @Test
  void anOutputFolderThatIsRemovedIsNamedWithTheOutput() throws IOException {
    Path out = scores.resolve("out.csv");
    assertThatThrownBy(() -> score(out, "call", 50, 3, () -> removeAll(scores)))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage(out + ": cannot be written: folder " + scores + " does not exist");
    Files.createDirectory(scores);
    Path part = Path.of(out + ".part");
    assertThatThrownBy(() -> score(out, "call", 50, 3, () -> part.toFile().delete()))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage(out + ": cannot be written: the unfinished file was removed");
  }

  private static void removeAll(Path folder) {
    for (File file : Objects.requireNonNull(folder.toFile().listFiles())) {
      file.delete();
    }
    folder.toFile().delete();
  }

  /** Rows that an earlier call has scored are skipped one by one, however many there are. */
  @Test
  void aCallThatIsToStopSkipsNoFurtherRows() throws IOException {
    AtomicLong asked = new AtomicLong();
    ScoringState start = new ScoringState(400, 0, 400, 9, 0, 343, 57, 0, null);
    RowBlock block = new RowBlock(50, true);
    try (RowReader reader =
        new RowReader(
            inputs,
            model.preprocessing(),
            false,
            start,
            GROUP,
            () -> asked.incrementAndGet() >= 100)) {
      reader.fill(block, Matrix.allocate(Precision.FLOAT64, 50, 2));
    }
    assertThat(block.stopped).isTrue();
    assertThat(block.last).isTrue();
    assertThat(block.inputs).isZero();
    assertThat(asked.get()).isLessThan(110);

    Path out = scores.resolve("out.csv");
    score(out, "call", 50, 9);
    byte[] state = Files.readAllBytes(Path.of(out + ".state.json"));
    try (Scorer scorer = new Scorer(model, Blas.named("java"), 1)) {
      TableScoring scoring = new TableScoring(model, scorer, inputs, 50, false, 0, GROUP);
      scoring.requestStop();
      Path rejected = Path.of(out + ".rejected.csv");
      assertThat(scoring.run(out, rejected, "call", ScoringProgress.NONE).complete()).isFalse();
    }
    assertThat(Path.of(out + ".state.json")).hasBinaryContent(state);
    assertThat(score(out, "call", 50, -1).complete()).isTrue();
    assertThat(resumed.get()).isPositive();
  }

  /** Text that gives no row: blank lines, of a table with two columns. */
  @ParameterizedTest
  @ValueSource(strings = {"1,2", "\"1\",2"})
  void aCallThatIsToStopReadsNoFurtherText(String row) throws IOException {
    byte[] text = ("a,b\n" + row + "\n" + "\n".repeat(1 << 23) + row + "\n").getBytes(UTF_8);
    Path plain = Files.write(folder.resolve("blank.csv"), text);
    Path packed = folder.resolve("blank.csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
      out.write(text);
    }
    for (Path file : List.of(plain, packed)) {
      ScoringInput input =
          ScoringInput.match(
              InputFiles.of(file), TableOptions.DEFAULT.forModel(model.columns()), null);
      AtomicLong asked = new AtomicLong();
      RowBlock block = new RowBlock(50, false);
      try (RowReader reader =
          new RowReader(
              List.of(input),
              model.preprocessing(),
              false,
              ScoringState.START,
              GROUP,
              () -> asked.incrementAndGet() >= 40)) {
        reader.fill(block, Matrix.allocate(Precision.FLOAT64, 50, 2));
      }
      assertThat(block.stopped).as(file.toString()).isTrue();
      assertThat(block.last).isTrue();
      assertThat(asked.get()).isLessThan(50);
    }
  }

  @Test
  void anInputThatIsDamagedLeavesNothing() throws IOException {
    Path out = scores.resolve("out.csv");
    score(out, "call", 50, 9);
    Files.writeString(inputs.get(2).files().name(), "id,a,b\n1,\"2\n");
    assertThatThrownBy(() -> score(out, "call", 50, -1)).isInstanceOf(InvalidInputException.class);
    assertThat(scores).isEmptyDirectory();
  }
}
