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
import org.ebflow.benchmarks.Host;
import org.ebflow.benchmarks.Scoring;
import org.ebflow.benchmarks.TimedModel;
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

  /** Scores by nested reverse autodiff. */
  static final String AUTOGRAD = "autograd";

  /** Scores written out on tensors. */
  static final String EXPLICIT = "explicit";

  /** Autograd with images in libtorch's default memory format. */
  static final String CHANNELS_FIRST = "autograd NCHW";

  /** Autograd with images whose channels are innermost in memory. */
  static final String CHANNELS_LAST = "autograd NHWC";

  /** Name of the work that is no training step. */
  static final String SCORING = "score";

  private static final List<String> WORKS = List.of("ssm", "dsm", "fdssm", "ml", SCORING);

  @Option(names = "--quick", description = "Two short processes each (the default).")
  private boolean quick;

  @Option(names = "--full", description = "Five longer processes each.")
  private boolean full;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "WORK",
      description = "Some of ssm, dsm, fdssm, ml and score (default: all that a model has).")
  private List<String> only = WORKS;

  @Option(
      names = "--models",
      split = ",",
      paramLabel = "MODEL",
      description =
          "Some of fc-D with a number D, mnist-cnn, cifar10-cnn, mnist-glow and mnist-glow64 (default: ${DEFAULT-VALUE}).")
  private List<String> models = TimedModel.NAMES;

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
  private List<Comparison.Work> works = List.of();
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
      works = works();
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

  /** What is asked for. */
  private List<Comparison.Work> works() {
    for (String name : only) {
      if (!WORKS.contains(name)) {
        throw new IllegalArgumentException(
            "--only: no work " + name + ", expected " + String.join(", ", WORKS));
      }
    }
    List<Comparison.Work> result = new ArrayList<>();
    for (String name : models) {
      TimedModel model = TimedModel.named(name);
      for (String work : only) {
        if (!forms(work, model).isEmpty()) {
          result.add(new Comparison.Work(work, model, new ArrayList<>()));
        }
      }
    }
    return result;
  }

  /** In which forms a piece of work is written for libtorch. */
  private static List<String> forms(String work, TimedModel model) {
    boolean dense = model.isFullyConnected();
    return switch (work) {
      case "ssm", "dsm" ->
          dense ? List.of(AUTOGRAD, EXPLICIT) : List.of(CHANNELS_FIRST, CHANNELS_LAST);
      case "fdssm", "ml" -> dense ? List.of(AUTOGRAD) : List.of();
      default -> dense ? List.of("inference") : List.of();
    };
  }

  /** Whether bfloat16 products are meant for that work, and this processor has them. */
  private static boolean roundsToBfloat16(String work) {
    return List.of("ssm", "dsm", SCORING).contains(work) && Blas.named("onednn").multipliesBFloat16();
  }

  /** Checks all, then times all. */
  private Comparison compare(Host host) throws IOException, InterruptedException {
    for (Comparison.Work work : works) {
      work.contestants().add(new Comparison.Contestant(OURS, Map.of(), new ArrayList<>()));
      if (roundsToBfloat16(work.name())) {
        work.contestants()
            .add(new Comparison.Contestant(OURS_BFLOAT16, Map.of(), new ArrayList<>()));
      }
      check(work);
    }
    for (Comparison.Work work : works) {
      for (int turn = 1; turn <= processes; turn++) {
        for (Comparison.Contestant contestant : work.contestants()) {
          say("timing", work, contestant.name() + ", process " + turn);
          String json =
              run(contestant.name(), "time", work, String.valueOf(warmUp), String.valueOf(seconds));
          contestant.millis().add(JsonMapper.shared().readValue(json, Repetitions.class).millis());
        }
      }
    }
    return new Comparison(
        host, libtorch, threads, Scoring.ROWS, processes, warmUp, seconds, works);
  }

  /** Lets every form do what the library does on the same inputs, and adds it. */
  private void check(Comparison.Work work) throws IOException, InterruptedException {
    Path file = Files.createTempFile("ebflow-peers", ".safetensors");
    try {
      run(OURS, "reference", work, file.toString());
      for (String form : forms(work.name(), work.model())) {
        say("checking", work, form);
        Errors errors =
            JsonMapper.shared().readValue(run(form, "check", work, file.toString()), Errors.class);
        errors.orThrow(work.name(), work.model());
        work.contestants()
            .add(new Comparison.Contestant(form, errors.relative(), new ArrayList<>()));
      }
    } finally {
      Files.delete(file);
    }
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
    command.addAll(List.of(work.name(), work.model().name(), String.valueOf(threads)));
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

  private static void say(String verb, Comparison.Work work, String what) {
    System.err.println(
        "peers: " + verb + " " + work.name() + ", " + work.model().name() + ": " + what);
  }
}
