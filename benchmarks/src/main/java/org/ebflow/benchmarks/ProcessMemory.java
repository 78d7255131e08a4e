package org.ebflow.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Linux says of the memory of a process. */
final class ProcessMemory {
  private ProcessMemory() {}

  /**
   * A line of /proc/PID/status in MiB, such as VmRSS (resident now) or VmHWM (most until now); 0 if
   * it isn't there.
   */
  static double mebibytes(long pid, String name) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
      if (line.startsWith(name + ":")) {
        return Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024;
      }
    }
    return 0;
  }
}
