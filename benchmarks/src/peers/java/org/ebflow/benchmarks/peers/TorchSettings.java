package org.ebflow.benchmarks.peers;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How libtorch is run: its fastest known setting.
 *
 * @param preload libraries put before the bundled OpenBLAS; empty for the bundled one
 */
record TorchSettings(String preload) {
  /** Where Debian's package libopenblas0-openmp puts it. */
  private static final Path OPENBLAS_OPENMP =
      Path.of("/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0");

  /** Those libraries, or Debian's OpenBLAS built for OpenMP. */
  static TorchSettings of(@Nullable String preload) {
    if (preload != null) {
      return new TorchSettings(preload);
    }
    if (!Files.exists(OPENBLAS_OPENMP)) {
      throw new IllegalArgumentException(
          OPENBLAS_OPENMP
              + " not found: install Debian's libopenblas0-openmp, or name a BLAS built for OpenMP"
              + " with --preload (an empty name: the bundled one, which is no fair peer)");
    }
    return new TorchSettings(OPENBLAS_OPENMP.toString());
  }

  /**
   * Environment of its processes. Kernels are chosen by name where the processor has AVX-512:
   * OpenBLAS 0.3.21 takes processors that it does not know for Haswells.
   */
  @JsonProperty
  Map<String, String> environment() {
    Map<String, String> environment = new TreeMap<>();
    environment.put("LD_PRELOAD", preload);
    environment.put("MALLOC_MMAP_THRESHOLD_", "4294967296");
    environment.put("MALLOC_TRIM_THRESHOLD_", "17179869184");
    environment.put("MALLOC_TOP_PAD_", "268435456");
    if (hasAvx512()) {
      environment.put("OPENBLAS_CORETYPE", "SkylakeX");
    }
    return environment;
  }

  private static boolean hasAvx512() {
    try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines.anyMatch(line -> line.startsWith("flags") && line.contains(" avx512f"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Options of their JVM. */
  @JsonProperty
  List<String> jvmFlags() {
    return List.of("-Xss64m", "--enable-native-access=ALL-UNNAMED");
  }
}
