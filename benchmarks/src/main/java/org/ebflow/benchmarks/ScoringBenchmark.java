package org.ebflow.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.ebflow.cli.table.ScoringInput;
import org.ebflow.cli.table.ScoringProgress;
import org.ebflow.cli.table.TableScoring;
import org.ebflow.flow.Flow;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.InputFiles;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.data.TableReader;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.Scores;
import org.ebflow.training.scoring.TrainedFlow;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Measures how fast files are scored: the whole command and its stages beside the scorer in memory
 * and the readers alone, in turns.
 */
@Command(
    name = "benchmarks/run scoring",
    mixinStandardHelpOptions = true,
    description = {
      "Makes tables of random rows in the temporary folder and measures, in turns, how fast they are scored: the scorer in memory, "
          + "each reader alone, and the command ebflow score of all rows and of a tenth, with its peak memory.",
      "Prints medians of rows/s, of microseconds of CPU time a row, and of the share of the scorer's own rate. "
          + "CPU time is what a busy machine changes least."
    })
public final class ScoringBenchmark implements Callable<Integer> {
  /** Rows that the scorer has in memory. */
  private static final int HELD = 1 << 16;

  /** CSV has so many times fewer rows than the other formats. */
  private static final int CSV_SHARE = 5;

  private static final int BLOCK_ROWS = 1 << 12;
  private static final double SECONDS_IN_MEMORY = 2;
  private static final int FEW_ROWS = 100;

  @Option(
      names = "--pixels",
      description = "Rows of 784 bytes and the published FC model, instead of 43 columns.")
  private boolean pixels;

  @Option(
      names = "--rows",
      paramLabel = "N",
      description =
          "Rows of the tables; CSV has a fifth. Default: 10 million, of pixels 1 million.")
  private int rows;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "Times that everything is measured (default: ${DEFAULT-VALUE}).")
  private int rounds = 3;

  @Option(
      names = "--formats",
      split = ",",
      paramLabel = "FORMAT",
      description = "Of npy, parquet and csv those to be measured (default: all).")
  private List<String> formats = List.of("npy", "parquet", "csv");

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of the scorer (default: ${DEFAULT-VALUE}).")
  private int threads = Runtime.getRuntime().availableProcessors();

  /** Exit code as of the ebflow command. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new ScoringBenchmark()).execute(args));
  }

  /** What one measurement of some rows took. */
  private record Cost(long rows, double seconds, double cpuSeconds, double peakMegabytes) {
    double rate() {
      return rows / seconds;
    }

    double cpuMicros() {
      return cpuSeconds / rows * 1e6;
    }
  }

  private final Map<String, List<Cost>> costs = new TreeMap<>();

  @Override
  public Integer call() throws IOException, InterruptedException {
    rows = rows > 0 ? rows : pixels ? 1_000_000 : 10_000_000;
    try (TemporaryFolder folder = new TemporaryFolder("ebflow-scoring-")) {
      measure(folder.path());
    }
    return 0;
  }

  private void measure(Path folder) throws IOException, InterruptedException {
    Blas blas = Blas.auto();
    RandomTables tables = new RandomTables(pixels);
    Matrix held = tables.draw(0, HELD);
    TrainedFlow model = model(held, blas);
    Path file = folder.resolve("model.safetensors");
    model.save(file, blas);
    List<Path> inputs = new ArrayList<>();
    for (String format : formats) {
      int count = format.equals("csv") ? rows / CSV_SHARE : rows;
      inputs.add(tables.write(folder.resolve("rows." + format), count));
      inputs.add(tables.write(folder.resolve("tenth." + format), count / 10));
    }
    Path few = tables.write(folder.resolve("few.npy"), FEW_ROWS);
    TableOptions options = TableOptions.DEFAULT.forModel(model.columns());
    try (Scorer scorer = new Scorer(model, blas, threads)) {
      for (int round = 0; round < rounds; round++) {
        inMemory(scorer, held);
        command(file, few, FEW_ROWS);
        for (Path input : inputs) {
          boolean all = input.getFileName().toString().startsWith("rows");
          boolean csv = input.toString().endsWith("csv");
          int count = (csv ? rows / CSV_SHARE : rows) / (all ? 1 : 10);
          if (all) {
            inMemory(scorer, held);
            readAlone(input, options);
            stages(scorer, model, input, options);
          }
          command(file, input, count);
        }
        System.err.printf(Locale.ROOT, "round %d of %d%n", round + 1, rounds);
      }
    }
    print();
  }

  private TrainedFlow model(Matrix held, Blas blas) {
    double[][] train = new double[1000][held.columns()];
    for (int r = 0; r < train.length; r++) {
      System.arraycopy(held.doubles(), r * held.columns(), train[r], 0, held.columns());
    }
    Flow flow =
        Recipe.named(pixels ? "mnist-fc-ssm" : "table-fc-ssm")
            .flow(held.columns(), Precision.FLOAT32);
    TrainedFlow plain =
        new TrainedFlow(
            flow,
            pixels
                ? Scoring.preprocessing(held.columns())
                : Recipe.named("table-fc-ssm").preprocessing().fit(Dataset.of(train)),
            Scoring.DATA,
            1);
    try (Scorer scorer = new Scorer(plain, blas, threads)) {
      EmpiricalDistribution percentiles =
          EmpiricalDistribution.of(scorer.score(held.rows(0, 10_000)).logProb());
      TrainedFlow.DataDescription data =
          new TrainedFlow.DataDescription(Scoring.DATA.name(), List.of(), null, percentiles, null);
      return new TrainedFlow(flow, plain.preprocessing(), data, 1);
    }
  }

  private void add(String what, Cost cost) {
    costs.computeIfAbsent(what, _ -> new ArrayList<>()).add(cost);
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean)
            java.lang.management.ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private void inMemory(Scorer scorer, Matrix held) {
    Scores scores = new Scores(held.rows());
    long cpu = cpuNanos();
    long start = System.nanoTime();
    long done = 0;
    do {
      scorer.score(
          held.rows(),
          (from, to, target) -> target.rows(0, to - from).copyFrom(held.rows(from, to)),
          scores);
      done += held.rows();
    } while (System.nanoTime() - start < SECONDS_IN_MEMORY * 1e9);
    add(
        "0 scorer in memory",
        new Cost(done, (System.nanoTime() - start) / 1e9, (cpuNanos() - cpu) / 1e9, 0));
  }

  private void readAlone(Path input, TableOptions options) throws IOException {
    long cpu = cpuNanos();
    long start = System.nanoTime();
    long read = 0;
    try (TableReader table = TableReader.open(input, options)) {
      double[] block = new double[BLOCK_ROWS * table.dimension()];
      while (true) {
        int good = table.nextGood(block, 0, BLOCK_ROWS);
        if (good == 0 && !table.next()) {
          break;
        }
        read += Math.max(1, good);
      }
    }
    add(
        "1 reader alone " + input.getFileName(),
        new Cost(read, (System.nanoTime() - start) / 1e9, (cpuNanos() - cpu) / 1e9, 0));
  }

  private void stages(Scorer scorer, TrainedFlow model, Path input, TableOptions options)
      throws IOException {
    Path out = output(input);
    Files.deleteIfExists(out); // else the system frees its pages in what is measured
    ScoringInput table = ScoringInput.match(InputFiles.of(input), options, null);
    TableScoring scoring =
        new TableScoring(
            model,
            scorer,
            List.of(table),
            TableScoring.blockRows(model.flow().dimension()),
            true,
            0);
    long cpu = cpuNanos();
    long start = System.nanoTime();
    long scored =
        scoring.run(out, out.resolveSibling("rejected.csv"), "", ScoringProgress.NONE).scored();
    add(
        "2 in this process " + input.getFileName() + " to " + out.getFileName(),
        new Cost(scored, (System.nanoTime() - start) / 1e9, (cpuNanos() - cpu) / 1e9, 0));
  }

  private static Path output(Path input) {
    String name = input.getFileName().toString();
    return input.resolveSibling("scores" + name.substring(name.lastIndexOf('.')));
  }

  /** Runs the command and looks at what the system says of the process until it ends. */
  private void command(Path model, Path input, int count) throws IOException, InterruptedException {
    Path out = output(input);
    Files.deleteIfExists(out); // as in stages
    long start = System.nanoTime();
    Process process =
        new ProcessBuilder(
                System.getProperty("ebflow.root") + "/ebflow",
                "score",
                model.toString(),
                input.toString(),
                "--out",
                out.toString(),
                "--threads",
                String.valueOf(threads))
            .redirectErrorStream(true)
            .redirectOutput(input.resolveSibling("log.txt").toFile())
            .start();
    Path proc = Path.of("/proc/" + process.pid());
    double megabytes = 0;
    double cpu = 0;
    while (process.isAlive()) {
      try {
        megabytes = // 0 while it ends
            Math.max(megabytes, ProcessMemory.mebibytes(process.pid(), "VmHWM"));
        String stat = Files.readString(proc.resolve("stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", 0);
        cpu = (Double.parseDouble(fields[11]) + Double.parseDouble(fields[12])) / 100;
      } catch (IOException | RuntimeException _) {
        break; // it has ended, or the system has no such files
      }
      Thread.sleep(5);
    }
    if (process.waitFor() != 0) {
      throw new IOException(Files.readString(input.resolveSibling("log.txt")));
    }
    add(
        "3 command " + input.getFileName() + " to " + out.getFileName(),
        new Cost(count, (System.nanoTime() - start) / 1e9, cpu, megabytes));
  }

  private void print() {
    Cost memory = median(costs.getOrDefault("0 scorer in memory", List.of()));
    System.out.printf(
        Locale.ROOT,
        "%-42s %10s %9s %12s %9s %9s %9s%n",
        "",
        "rows",
        "seconds",
        "rows/s",
        "of memory",
        "CPU us",
        "peak MB");
    costs.forEach(
        (what, list) -> {
          Cost cost = median(list);
          System.out.printf(
              Locale.ROOT,
              "%-42s %,10d %9.2f %,12.0f %8.0f%% %9.3f %9.0f%n",
              what.substring(2),
              cost.rows,
              cost.seconds,
              cost.rate(),
              100 * cost.rate() / memory.rate(),
              cost.cpuMicros(),
              cost.peakMegabytes);
        });
  }

  /** Of the rates, and of everything else alike. */
  private static Cost median(List<Cost> list) {
    return new Cost(
        list.getFirst().rows,
        list.getFirst().rows / middle(list.stream().mapToDouble(Cost::rate).toArray()),
        list.getFirst().rows * middle(list.stream().mapToDouble(Cost::cpuMicros).toArray()) / 1e6,
        middle(list.stream().mapToDouble(Cost::peakMegabytes).toArray()));
  }

  private static double middle(double[] values) {
    return Timing.of(values).median();
  }
}
