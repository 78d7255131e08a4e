package org.ebflow.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.ebflow.cli.table.ScoringInput;
import org.ebflow.cli.table.ScoringProgress;
import org.ebflow.cli.table.TableScoring;
import org.ebflow.flow.Flow;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.InputFiles;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.Scores;
import org.ebflow.training.scoring.TrainedFlow;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Scores for a long time in one JVM from several threads: same results, memory flat. */
@Command(
    name = "benchmarks/run soak",
    mixinStandardHelpOptions = true,
    description = {
      "Scores rows in memory, a CSV and an NPY file again and again from several threads in one JVM. Each result is compared with the first one's bits.",
      "Prints the Java heap behind a collection and the resident memory. Exit code 1: a result differed, or the heap grew by more than a tenth and 16 MiB, "
          + "or the resident memory by more than a quarter, between a tenth of the time and its end."
    })
public final class ScoringSoak implements Callable<Integer> {
  private static final int COLUMNS = 43;
  private static final int ROWS = 20_000;
  private static final int FEW = 10;

  /** Memory is looked at so often, and once more at the end. */
  private static final int LOOKS = 10;

  private static final double MEBIBYTE = 1 << 20;

  @Option(
      names = "--minutes",
      paramLabel = "X",
      description = "Duration (default: ${DEFAULT-VALUE}).")
  private double minutes = 30;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads that score rows, besides two that score files (${DEFAULT-VALUE}).")
  private int threads = 4;

  private final AtomicLong scored = new AtomicLong();
  private volatile boolean stopping;

  /** Exit code as of the ebflow command. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new ScoringSoak()).execute(args));
  }

  private record Memory(double heap, double resident) {}

  @Override
  public Integer call() throws IOException, InterruptedException, ExecutionException {
    try (TemporaryFolder folder = new TemporaryFolder("ebflow-soak-")) {
      return soak(folder.path());
    }
  }

  private int soak(Path folder) throws IOException, InterruptedException, ExecutionException {
    double[][] rows = new double[ROWS][COLUMNS];
    Random random = new Random(1);
    StringBuilder text = new StringBuilder();
    for (double[] row : rows) {
      for (int c = 0; c < COLUMNS; c++) {
        row[c] = (float) random.nextGaussian();
        text.append(c == 0 ? "" : ",").append(row[c]);
      }
      text.append('\n');
    }
    Path csv = Files.writeString(folder.resolve("rows.csv"), text);
    Path npy = folder.resolve("rows.npy");
    NpyWriter.write(npy, Matrix.ofRows(Precision.FLOAT64, rows));
    Recipe recipe = Recipe.named("table-fc-ssm");
    Flow flow = recipe.flow(COLUMNS, Precision.FLOAT32);
    EmpiricalDistribution percentiles = EmpiricalDistribution.of(new double[] {-70, -60, -50});
    TrainedFlow model =
        new TrainedFlow(
            flow,
            recipe.preprocessing().fit(Dataset.of(Arrays.copyOf(rows, 1000))),
            new TrainedFlow.DataDescription(
                Scoring.DATA.name(), List.of(), null, percentiles, null),
            1);
    Blas blas = Blas.auto();
    try (Scorer scorer = new Scorer(model, blas, 2);
        ExecutorService all = Executors.newCachedThreadPool()) {
      double[] expected = scorer.logProb(rows);
      List<Future<Long>> loops = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int thread = t;
        loops.add(
            all.submit(
                () ->
                    thread % 2 == 0
                        ? shared(scorer, rows, expected, thread)
                        : own(scorer, rows, expected)));
      }
      for (Path input : List.of(csv, npy)) {
        loops.add(all.submit(() -> files(model, blas, input)));
      }
      boolean flat;
      try {
        flat = watch(loops);
      } finally {
        stopping = true; // or closing the executor would wait for ever
      }
      long rounds = 0;
      for (Future<Long> loop : loops) {
        rounds += loop.get();
      }
      System.out.printf(
          Locale.ROOT,
          "%,d rows in %,d calls, all with the bits of the first; memory %s%n",
          scored.get(),
          rounds,
          flat ? "flat" : "GREW");
      return flat ? 0 : 1;
    } catch (ExecutionException e) {
      System.err.println(e.getCause());
      return 1;
    }
  }

  /** Looks at the memory until the time is over or a loop has failed. */
  private boolean watch(List<Future<Long>> loops) throws InterruptedException, IOException {
    long start = System.nanoTime();
    List<Memory> seen = new ArrayList<>();
    for (int look = 1; look <= LOOKS && loops.stream().noneMatch(Future::isDone); look++) {
      double seconds = minutes * 60 * look / LOOKS;
      while ((System.nanoTime() - start) / 1e9 < seconds) {
        Thread.sleep(50);
      }
      System.gc();
      seen.add(
          new Memory(
              (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) / MEBIBYTE,
              resident()));
      System.out.printf(
          Locale.ROOT,
          "%6.0f s: heap %.0f MiB, resident %.0f MiB, %,d rows%n",
          seconds,
          seen.getLast().heap,
          seen.getLast().resident,
          scored.get());
    }
    return !seen.isEmpty()
        && seen.getLast().heap <= 1.1 * seen.getFirst().heap + 16
        && seen.getLast().resident <= 1.25 * seen.getFirst().resident;
  }

  /** 0 where the system doesn't tell. */
  private static double resident() throws IOException {
    return Files.exists(Path.of("/proc/self/status"))
        ? ProcessMemory.mebibytes(ProcessHandle.current().pid(), "VmRSS")
        : 0;
  }

  /** Few rows and many by the scorer that all share. */
  private long shared(Scorer scorer, double[][] rows, double[] expected, int seed) {
    Random random = new Random(seed);
    long rounds = 0;
    for (; !stopping; rounds++) {
      int count = rounds % 5 == 0 ? ROWS / 4 : 1 + random.nextInt(FEW);
      int from = random.nextInt(ROWS - count);
      require(scorer.logProb(Arrays.copyOfRange(rows, from, from + count)), expected, from);
    }
    return rounds;
  }

  /** By a scorer of this thread, opened and closed. */
  private long own(Scorer scorer, double[][] rows, double[] expected) {
    Matrix all = Matrix.ofRows(Precision.FLOAT64, rows);
    Scores scores = new Scores(ROWS);
    long rounds = 0;
    for (; !stopping; rounds++) {
      try (Scorer.ThreadScorer thread = scorer.threadScorer()) {
        thread.score(
            ROWS,
            (from, to, target) -> target.rows(0, to - from).copyFrom(all.rows(from, to)),
            scores);
      }
      require(Arrays.copyOf(scores.logProb(), ROWS), expected, 0);
    }
    return rounds;
  }

  private void require(double[] found, double[] expected, int from) {
    double[] part = Arrays.copyOfRange(expected, from, from + found.length);
    if (!Arrays.equals(found, part)) {
      throw new IllegalStateException(
          "rows from " + from + ": scores differ at " + Arrays.mismatch(found, part));
    }
    scored.addAndGet(found.length);
  }

  /** As the command scores, with a scorer and a reader of each call's own. */
  private long files(TrainedFlow model, Blas blas, Path input) throws IOException {
    Map<String, byte[]> first = new HashMap<>();
    long rounds = 0;
    for (; !stopping; rounds++) {
      String name = input.getFileName() + ".scores" + (rounds % 2 == 0 ? ".csv" : ".parquet");
      Path out = input.resolveSibling(name);
      try (Scorer scorer = new Scorer(model, blas, 1)) {
        ScoringInput table =
            ScoringInput.match(
                InputFiles.of(input), TableOptions.DEFAULT.forModel(model.columns()), null);
        scored.addAndGet(
            new TableScoring(model, scorer, List.of(table), 1024, true, 0)
                .run(out, out.resolveSibling(name + ".rejected"), "", ScoringProgress.NONE)
                .scored());
      }
      byte[] bytes = Files.readAllBytes(out);
      if (!Arrays.equals(first.computeIfAbsent(name, _ -> bytes), bytes)) {
        throw new IllegalStateException(out + ": other bytes than the first time");
      }
    }
    return rounds;
  }
}
