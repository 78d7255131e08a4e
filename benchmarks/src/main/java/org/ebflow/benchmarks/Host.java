package org.ebflow.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.ebflow.linalg.Blas;

/**
 * Where and with what a report was taken.
 *
 * @param load mean number of runnable processes over the minute before, -1 where unknown: a quiet
 *     machine has less than 1
 */
public record Host(
    String date,
    String commit,
    String cpu,
    int cores,
    double load,
    String os,
    String jdk,
    List<String> jvmFlags,
    String backend,
    String backendVersion) {
  /** This machine, now; {@code blas} as the steps use it. */
  public static Host now(Blas blas) {
    return new Host(
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        System.getProperty("ebflow.commit", "unknown"),
        processor(),
        Runtime.getRuntime().availableProcessors(),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"),
        System.getProperty("java.vm.vendor") + " " + Runtime.version(),
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
            .filter(flag -> flag.startsWith("-X"))
            .toList(),
        blas.name(),
        blas.version());
  }

  /** As Linux names it. */
  private static String processor() {
    Path file = Path.of("/proc/cpuinfo");
    if (!Files.isReadable(file)) {
      return "unknown";
    }
    try (var lines = Files.lines(file)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("unknown");
    } catch (IOException e) {
      return "unknown";
    }
  }
}
