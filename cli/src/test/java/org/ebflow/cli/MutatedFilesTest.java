package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.training.Trainer;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.preprocessing.Preprocessing;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Files that were cut, changed or made up at random, of every format of input and of every kind in
 * a run folder. Each ends in a result that is whole, or in one line.
 *
 * <p>A few by default. {@code -Debflow.mutations=120} makes so many of each kind, holds each to
 * five seconds, and prints what became of them.
 */
final class MutatedFilesTest {
  private static final int MUTATIONS = Integer.getInteger("ebflow.mutations", 0);

  /** Of each kind by default. */
  private static final int FEW = 2;

  private static final int SECONDS = MUTATIONS > 0 ? 5 : 60;

  /** A call on a file of some kilobytes needs less memory by far. */
  private static final long MOST_ALLOCATED = 1L << 30;

  private static final Pattern SCORED = Pattern.compile("scored ([0-9,]+) rows");

  @TempDir private static Path models;
  private static Path table;
  private static Path grey;
  private static Path colour;

  @TempDir private Path folder;

  @BeforeAll
  static void train() throws IOException {
    Path data = TestRuns.csv(models.resolve("data.csv"), "a,b,c", TestRuns.rows(200, 3, 1));
    table = models.resolve("table");
    Program.succeed("train", "--model", "fc", "--data", data, "--epochs", 1, "--out", table);
    grey = pixels("grey", new Shape(1, ValidFiles.SIDE, ValidFiles.SIDE));
    colour = pixels("colour", new Shape(3, ValidFiles.SIDE, ValidFiles.SIDE));
  }

  private static Path pixels(String name, Shape shape) {
    byte[] pixels = new byte[200 * shape.size()];
    new Random(1).nextBytes(pixels);
    Trainer.of(Flow.of(shape.size()).dense().build(), new MaximumLikelihood())
        .preprocessing(train -> Preprocessing.logit(shape.size(), 256, 1))
        .epochs(1)
        .fit(
            Dataset.ofPixels(name, pixels, shape.size(), shape, 256).split(0.8, 0.1, 0.1),
            models.resolve(name));
    return models.resolve(name);
  }

  @ParameterizedTest(name = "{0} by {1}")
  @CsvSource({
    "rows.csv, score",
    "rows.csv, train",
    "quoted.csv, score",
    "rows.csv.gz, score",
    "rows.npy, score",
    "columns.npy, score",
    "rows.npy, train",
    "rows.npy.gz, score",
    "rows.parquet, score",
    "rows.parquet, train",
    "images.npy, score",
    "images.npy.gz, train",
    "images-ubyte, score",
    "images-ubyte.gz, score",
    "images-ubyte.gz, train",
    "pictures/b.png, score",
    "pictures/b.jpg, score",
    "pictures/b.png, info",
    "cifar10/cifar-10-batches-bin/test_batch.bin, load",
    "cifar10/cifar-10-binary.tar.gz, load",
    "stl10/stl10_binary/test_X.bin, load",
    "stl10/stl10_binary.tar.gz, load",
    "run/config.json, resume",
    "run/config.json, eval",
    "run/metrics.csv, resume",
    "run/run.log, resume",
    "run/model.safetensors, eval",
    "run/model.safetensors, score",
    "run/model.safetensors, resume",
    "run/last/state.safetensors, resume",
    "run/baselines/*, eval",
  })
  void endsInAWholeResultOrInOneLine(String name, String use) throws Exception {
    int count = MUTATIONS > 0 ? MUTATIONS : FEW;
    Random random = new Random((name + use).hashCode());
    ValidFiles files = new ValidFiles(folder, table);
    int refused = 0;
    long longest = 0;
    for (int i = 0; i < count; i++) {
      clear();
      Path file = files.write(name, random);
      byte[] whole = Files.readAllBytes(file);
      byte[] mutated = mutate(whole, random);
      Files.write(file, mutated);
      String which = name + " by " + use + ", mutation " + i;
      long start = System.nanoTime();
      try {
        refused += call(file, use, which) ? 1 : 0;
      } catch (AssertionError e) {
        Files.write(Path.of(System.getProperty("java.io.tmpdir"), "mutated.bin"), mutated);
        throw e;
      }
      longest = Math.max(longest, System.nanoTime() - start);
    }
    if (MUTATIONS > 0) {
      System.out.printf(
          "%-48s %-7s %4d mutations, %4d refused, longest %4d ms%n",
          name, use, count, refused, longest / 1_000_000);
    }
  }

  private void clear() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path each : all.sorted((a, b) -> b.compareTo(a)).toList()) {
        if (!each.equals(folder)) {
          Files.delete(each);
        }
      }
    }
    Files.createDirectory(folder.resolve("out"));
  }

  private static byte[] mutate(byte[] whole, Random random) {
    byte[] result = whole.clone();
    int at = random.nextInt(whole.length);
    switch (random.nextInt(7)) {
      case 0 -> result = Arrays.copyOf(whole, at);
      case 1 -> {
        for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
          result[random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(8));
        }
      }
      case 2 -> { // near the start, where the sizes stand
        for (int bytes = 1 + random.nextInt(4); bytes > 0; bytes--) {
          result[random.nextInt(Math.min(whole.length, 128))] = (byte) random.nextInt(256);
        }
      }
      case 3 -> {
        byte[] noise = new byte[1 + random.nextInt(Math.min(64, whole.length - at))];
        random.nextBytes(noise);
        System.arraycopy(noise, 0, result, at, noise.length);
      }
      case 4 -> { // a range is lost or doubled
        int length = 1 + random.nextInt(Math.min(32, whole.length - at));
        int from = random.nextBoolean() ? at + length : Math.max(0, at - length);
        result = Arrays.copyOf(whole, at + whole.length - from);
        System.arraycopy(whole, from, result, at, whole.length - from);
      }
      case 5 -> { // sizes of the right form
        for (int i = 0; i < whole.length; i++) {
          if (whole[i] >= '0' && whole[i] <= '9' && random.nextInt(12) == 0) {
            result[i] = (byte) ('0' + random.nextInt(10));
          }
        }
      }
      default -> {
        result = new byte[random.nextInt(2 * whole.length)];
        random.nextBytes(result);
        if (random.nextBoolean()) { // with the right start
          System.arraycopy(
              whole, 0, result, 0, Math.min(16, Math.min(whole.length, result.length)));
        }
      }
    }
    return result;
  }

  /** Whether the call was refused. */
  private boolean call(Path file, String use, String which) throws Exception {
    Path out = folder.resolve("out/out.csv");
    Path run = folder.resolve("run");
    Object[] words =
        switch (use) {
          case "score" ->
              file.startsWith(run)
                  ? new Object[] {"score", run, models.resolve("data.csv"), "--out", out}
                  : new Object[] {"score", modelOf(file), inputOf(file), "--out", out};
          case "train" ->
              new Object[] {
                "train",
                "--model",
                "fc",
                "--data",
                file,
                "--steps",
                2,
                "--out",
                out.resolveSibling("r")
              };
          case "info" -> new Object[] {"data", "info", file.getParent()};
          case "resume" -> new Object[] {"train", "--resume", run, "--epochs", 2};
          case "eval" -> new Object[] {"eval", run};
          default -> new Object[0];
        };
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long allocated = threads.getTotalThreadAllocatedBytes();
    Program.Result result =
        inTime(
            () ->
                words.length == 0
                    ? load(folder.relativize(file).getName(0).toString())
                    : Program.run(words),
            which);
    assertThat(threads.getTotalThreadAllocatedBytes() - allocated)
        .as(which + ": bytes allocated")
        .isLessThan(MOST_ALLOCATED);
    assertThat(result.exit()).as(which + ": " + result.err()).isIn(0, 2);
    assertThat(result.err())
        .as(which)
        .doesNotContain("\tat ", "out of memory", "a fault of this program");
    if (result.exit() == 2) {
      assertThat(result.err().lines().toList().getLast()).as(which).startsWith("ebflow: ");
      if (use.equals("score")) {
        try (Stream<Path> left = Files.list(out.getParent())) {
          assertThat(left).as(which).isEmpty();
        }
      }
      return true;
    }
    if (use.equals("score")) {
      Matcher scored = SCORED.matcher(result.err());
      assertThat(scored.find()).as(which + ": " + result.err()).isTrue();
      List<String> lines = Files.readAllLines(out);
      assertThat(lines)
          .as(which)
          .hasSize(1 + Integer.parseInt(scored.group(1).replace(",", "")))
          .noneMatch(line -> line.contains("NaN"));
    }
    return false;
  }

  private static Program.Result inTime(
      java.util.concurrent.Callable<Program.Result> call, String which) throws Exception {
    ExecutorService one = Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());
    try {
      Future<Program.Result> result = one.submit(call);
      return result.get(SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError(which + " took more than " + SECONDS + " s", e);
    } finally {
      one.shutdownNow();
    }
  }

  private Program.Result load(String dataSet) {
    try {
      DataSources.in(folder).load(dataSet, 1);
      return new Program.Result(0, "", "");
    } catch (InvalidInputException e) {
      return new Program.Result(2, "", "ebflow: " + e.getMessage());
    }
  }

  private Path modelOf(Path file) {
    String name = file.toString();
    return name.contains("ubyte")
        ? grey
        : name.contains("pictures") || name.contains("images.npy") ? colour : table;
  }

  private static Path inputOf(Path file) {
    return file.toString().contains("pictures") ? file.getParent() : file;
  }
}
