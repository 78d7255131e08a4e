package org.ebflow.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.ebflow.linalg.Blas;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Measures this machine's ceilings and the library's training steps beside them, prints one table
 * and writes JSON.
 */
@Command(
    name = "benchmarks/run",
    mixinStandardHelpOptions = true,
    description =
        "Measures this machine's ceilings and the training steps beside them. \"benchmarks/run jmh ...\" runs the micro-benchmarks instead.")
public final class StepBenchmark implements Callable<Integer> {
  @Option(names = "--quick", description = "Short measurements: under three minutes (the default).")
  private boolean quick;

  @Option(
      names = "--full",
      description = "Longer measurements, and ssm from 784 to 6144 dimensions: about ten minutes.")
  private boolean full;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Workers (default: ${DEFAULT-VALUE}).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "auto, onednn, openblas, netlib or java (default: ${DEFAULT-VALUE}).")
  private String backend = "auto";

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder that takes report.json and table.txt.")
  private @Nullable Path out;

  /** Exit code as of the ebflow command. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new StepBenchmark()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    if (quick && full) {
      System.err.println("benchmarks/run: --quick and --full exclude each other");
      return 2;
    }
    BenchmarkReport report =
        BenchmarkReport.measure(full ? Preset.FULL : Preset.QUICK, Blas.named(backend), threads);
    System.out.print(ReportTable.of(report));
    if (out != null) {
      write(report, out);
    }
    return 0;
  }

  /** Writes report.json and table.txt into a folder, which is made when missing. */
  static void write(BenchmarkReport report, Path folder) throws IOException {
    Files.createDirectories(folder);
    JsonMapper json = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    Files.writeString(folder.resolve("report.json"), json.writeValueAsString(report) + "\n");
    Files.writeString(folder.resolve("table.txt"), ReportTable.of(report));
  }
}
