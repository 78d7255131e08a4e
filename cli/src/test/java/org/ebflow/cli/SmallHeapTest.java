package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole command in a process with a small heap. */
class SmallHeapTest {
  @TempDir static Path runs;
  private static Path run;

  @TempDir Path folder;

  @BeforeAll
  static void train() throws IOException {
    run = runs.resolve("run");
    TestRuns.table(run, 3);
  }

  /** The numbers of the table alone fill the heap of the process that scores it. */
  @Test
  void memoryDoesNotGrowWithTheTable() throws Exception {
    int rows = 1_500_000;
    byte[] block = "1,2,3\n4,5,6.5\n-1,0,7\n".getBytes(StandardCharsets.US_ASCII);
    Path csv = folder.resolve("in.csv");
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(csv))) {
      out.write("a,b,c\n".getBytes(StandardCharsets.US_ASCII));
      for (int i = 0; i < rows / 3; i++) {
        out.write(block);
      }
    }
    Path log = folder.resolve("log");
    int exit = inSmallHeap(log, "score", run, csv, "--out", folder.resolve("out.npy"));
    assertThat(exit).as(() -> read(log)).isZero();
    assertThat(Files.size(folder.resolve("out.npy"))).isEqualTo(128 + 40L * rows);
  }

  @Test
  void tooLittleMemoryIsOneLine() throws Exception {
    Path out = folder.resolve("out.npy");
    Path log = folder.resolve("log");
    int exit = inSmallHeap(log, "sample", run, "--count", 100_000_000, "--out", out);
    assertThat(exit).as(() -> read(log)).isEqualTo(2);
    assertThat(read(log))
        .contains("ebflow: out of memory", "EBFLOW_JAVA_OPTS")
        .doesNotContain("\tat ");
    assertThat(out).doesNotExist();
    assertThat(folder).isDirectoryNotContaining("glob:**.part");
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs the whole command in a process of its own with a heap of 32 MiB. */
  private static int inSmallHeap(Path log, Object... arguments) throws Exception {
    List<String> words =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx32m",
                "-XX:+UseSerialGC",
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Ebflow.class.getName()));
    Stream.of(arguments).map(Object::toString).forEach(words::add);
    return new ProcessBuilder(words)
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start()
        .waitFor();
  }
}
