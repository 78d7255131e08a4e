package org.ebflow.benchmarks.peers;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ebflow.benchmarks.Scoring;
import org.ebflow.benchmarks.Host;
import org.ebflow.linalg.Blas;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Times training steps and scoring of the library and of libtorch, each in processes of its own
 * that take turns, after comparing what they compute; prints one table and writes JSON.
 */
@Command(
    name = "benchmarks/run peers",
    mixinStandardHelpOptions = true,
    description = "Times training steps and scoring beside libtorch.")
final class Peers implements Callable<Integer> {
  /** Name of the library among the contestants. */
  static final String OURS = "ours";

  /** The library with factors of products rounded to bfloat16. */
  static final String OURS_BFLOAT16 = "ours bf16";

  /** Name of the work that is no training step. */
  static final String SCORING = "score";

  private static final int BATCH = 100;

  @Option(names = "--quick", description = "Two short processes each (the default).")
  private boolean quick;

  @Option(names = "--full", description = "Five longer processes each.")
  private boolean full;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "WORK",
      description = "Some of ssm, dsm, fdssm, ml and score (default: all).")
  private List<String> only = List.of("ssm", "dsm", "fdssm", "ml", SCORING);

  @Option(
      names = "--dimensions",
      split = ",",
      paramLabel = "D",
      description = "Dimensions of the rows (default: 784,3072).")
  private List<Integer> dimensions = List.of(784, 3072);

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Of either side (default: ${DEFAULT-VALUE}).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--preload",
      paramLabel = "LIBRARIES",
      description =
          "LD_PRELOAD of libtorch's processes (default: Debian's OpenBLAS built for OpenMP).")
  private @Nullable String preload;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder that takes peers.json and peers.txt.")
  private @Nullable Path out;

  private TorchSettings libtorch = new TorchSettings("");
  private int processes;
  private double warmUp;
  private double seconds;

  /** Exit code as of the ebflow command. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Peers()).execute(args));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (quick && full) {
      System.err.println("benchmarks/run peers: --quick and --full exclude each other");
      return 2;
    }
    try {
      libtorch = TorchSettings.of(preload);
      only.forEach(Peers::forms);
    } catch (IllegalArgumentException e) {
      System.err.println("benchmarks/run peers: " + e.getMessage());
      return 2;
    }
    processes = full ? 5 : 2;
    warmUp = 5; // the JIT compilers need as much
    seconds = full ? 8 : 2;
    Comparison comparison = compare(Host.now(Blas.auto()));
    System.out.print(ComparisonTable.of(comparison));
    if (out != null) {
      Files.createDirectories(out);
      JsonMapper json = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
      Files.writeString(out.resolve("peers.json"), json.writeValueAsString(comparison) + "\n");
      Files.writeString(out.resolve("peers.txt"), ComparisonTable.of(comparison));
    }
    return 0;
  }

  /** In which forms a piece of work is written for libtorch. */
  private static List<String> forms(String work) {
    return switch (work) {
      case "ssm", "dsm" -> List.of("autograd", "explicit");
      case "fdssm", "ml" -> List.of("autograd");
      case SCORING -> List.of("inference");
      default -> throw new IllegalArgumentException(
          "--only: no work " + work + ", expected ssm, dsm, fdssm, ml or " + SCORING);
    };
  }

  /** Whether bfloat16 products are meant for that work, and this processor has them. */
  private static boolean roundsToBfloat16(String work) {
    return List.of("ssm", "dsm", SCORING).contains(work) && Blas.named("onednn").multipliesBFloat16();
  }

  /** Checks all, then times all. */
  private Comparison compare(Host host) throws IOException, InterruptedException {
    List<Comparison.Work> works = new ArrayList<>();
    for (int dimension : dimensions) {
      for (String work : only) {
        List<Comparison.Contestant> contestants = new ArrayList<>();
        contestants.add(new Comparison.Contestant(OURS, Map.of(), new ArrayList<>()));
        if (roundsToBfloat16(work)) {
          contestants.add(new Comparison.Contestant(OURS_BFLOAT16, Map.of(), new ArrayList<>()));
        }
        contestants.addAll(check(work, dimension));
        works.add(new Comparison.Work(work, dimension, contestants));
      }
    }
    for (Comparison.Work work : works) {
      for (int turn = 1; turn <= processes; turn++) {
        for (Comparison.Contestant contestant : work.contestants()) {
          say("timing", work.name(), work.dimension(), contestant.name() + ", process " + turn);
          String json =
              run(contestant.name(), "time", work, String.valueOf(warmUp), String.valueOf(seconds));
          contestant.millis().add(JsonMapper.shared().readValue(json, Repetitions.class).millis());
        }
      }
    }
    return new Comparison(
        host, libtorch, threads, BATCH, Scoring.ROWS, processes, warmUp, seconds, works);
  }

  /** Lets every form do what the library does on the same inputs. */
  private List<Comparison.Contestant> check(String name, int dimension)
      throws IOException, InterruptedException {
    Comparison.Work work = new Comparison.Work(name, dimension, List.of());
    List<Comparison.Contestant> contestants = new ArrayList<>();
    Path file = Files.createTempFile("ebflow-peers", ".safetensors");
    try {
      run(OURS, "reference", work, file.toString());
      for (String form : forms(name)) {
        say("checking", name, dimension, form);
        Errors errors =
            JsonMapper.shared()
                .readValue(run(form, "check", work, file.toString()), Errors.class);
        errors.orThrow(name);
        contestants.add(new Comparison.Contestant(form, errors.relative(), new ArrayList<>()));
      }
    } finally {
      Files.delete(file);
    }
    return contestants;
  }

  /** Runs one process of a contestant and gives the last line that it prints. */
  private String run(String contestant, String verb, Comparison.Work work, String... arguments)
      throws IOException, InterruptedException {
    boolean ours = contestant.startsWith(OURS);
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        ours
            ? ManagementFactory.getRuntimeMXBean().getInputArguments()
            : libtorch.jvmFlags());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add((ours ? OursProcess.class : TorchProcess.class).getName());
    command.add(verb);
    command.add(contestant);
    command.addAll(
        List.of(
            work.name(),
            String.valueOf(work.dimension()),
            String.valueOf(BATCH),
            String.valueOf(threads)));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    if (!ours) {
      String count = String.valueOf(threads);
      builder.environment().put("OMP_NUM_THREADS", count);
      builder.environment().put("OPENBLAS_NUM_THREADS", count);
      builder.environment().put("MKL_NUM_THREADS", count);
      builder.environment().putAll(libtorch.environment());
    }
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int status = process.waitFor();
    if (status != 0) {
      throw new IllegalStateException(
          "exit code " + status + " of " + String.join(" ", command) + "\n" + output);
    }
    return output.strip().substring(output.strip().lastIndexOf('\n') + 1);
  }

  private static void say(String verb, String work, int dimension, String what) {
    System.err.println("peers: " + verb + " " + work + ", D = " + dimension + ": " + what);
  }
}
