package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
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

  /** Sizes that only a small file claims, or that compression makes of one. */
  @Test
  void hostileSizesAreRefusedBeforeTheyFillTheMemory() throws Exception {
    String endless = "1,".repeat(100_000);
    TestRuns.text(folder.resolve("cells.csv.gz"), endless);
    TestRuns.text(folder.resolve("row.csv"), "a,b,c\n1,2,3\n" + endless);
    TestRuns.text(folder.resolve("chunks.csv"), "a,b,c\n" + "1,2,3\n".repeat(200_000) + endless);
    TestRuns.text(folder.resolve("index.csv"), ",a,b,c\n0,1,2,3\n1," + endless);
    padded(folder.resolve("wide.npy.gz"), npyHeader("(1, 100000)"));
    padded(
        folder.resolve("wide-ubyte.gz"),
        ByteBuffer.allocate(16).putInt(0x803).putInt(1).putInt(400).putInt(400).array());
    TestRuns.pictures(folder.resolve("images"));
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    ImageIO.write(
        new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB),
        "png",
        pictures.resolve("a.png").toFile());
    Files.write(pictures.resolve("b.png"), png(3000, 3000));
    List<String> names =
        List.of(
            "cells.csv.gz", "row.csv", "chunks.csv", "index.csv", "wide.npy.gz", "wide-ubyte.gz");
    List<String> calls = new ArrayList<>();
    for (String name : names) {
      calls.add(String.join("\t", "score", run.toString(), folder.resolve(name).toString()));
    }
    calls.add(String.join("\t", "score", folder.resolve("images").toString(), pictures.toString()));
    Path log = folder.resolve("log");
    Path file = Files.write(folder.resolve("calls"), calls);
    assertThat(inSmallHeap(Calls.class, log, file, folder.resolve("out.csv")))
        .as(() -> read(log))
        .isZero();
    List<String> ends = read(log).lines().filter(line -> line.startsWith("exit ")).toList();
    String cells = ": expected at most [0-9]{2},[0-9]{3} cells in this heap, found more";
    String columns = "expected at most [0-9]{2},[0-9]{3} columns in this heap, found 1[06]0,000";
    String[] patterns = {
      "started in line 1" + cells,
      "started in line 3" + cells,
      "started in line 200002" + cells,
      "started in line 3" + cells,
      columns,
      columns
    };
    assertThat(ends).as(read(log)).hasSize(patterns.length + 1);
    for (int i = 0; i < patterns.length; i++) {
      assertThat(ends.get(i))
          .matches("exit 2: ebflow: .*/" + names.get(i) + ": .*" + patterns[i] + ".*");
    }
    assertThat(ends.getLast()).startsWith("exit 0: ");
    assertThat(read(folder.resolve("out.csv.rejected.csv")))
        .containsPattern("b.png.*expected at most [0-9]+ pixels, found 3000×3000");
  }

  private static byte[] npyHeader(String shape) {
    String text = "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }\n";
    return ByteBuffer.allocate(10 + text.length())
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0})
        .putShort((short) text.length())
        .put(text.getBytes(StandardCharsets.US_ASCII))
        .array();
  }

  /** As gzip, with so much behind it that more could follow. */
  private static void padded(Path file, byte[] start) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      GZIPOutputStream gzip = new GZIPOutputStream(out);
      gzip.write(start);
      gzip.finish();
      out.write(new byte[2048]);
    }
  }

  /** A picture without its pixels. */
  private static byte[] png(int width, int height) {
    ByteBuffer out = ByteBuffer.allocate(57);
    out.putLong(0x89504E470D0A1A0AL);
    chunk(
        out,
        "IHDR",
        ByteBuffer.allocate(13).putInt(width).putInt(height).put(new byte[] {8, 2, 0, 0, 0}));
    chunk(out, "IDAT", ByteBuffer.allocate(0));
    chunk(out, "IEND", ByteBuffer.allocate(0));
    return out.array();
  }

  private static void chunk(ByteBuffer out, String type, ByteBuffer data) {
    out.putInt(data.capacity());
    int from = out.position();
    out.put(type.getBytes(StandardCharsets.US_ASCII)).put(data.array());
    CRC32 crc = new CRC32();
    crc.update(out.array(), from, out.position() - from);
    out.putInt((int) crc.getValue());
  }

  /** Several calls in one process: the file of their words, and their output. */
  static final class Calls {
    private Calls() {}

    public static void main(String[] arguments) throws IOException {
      for (String call : Files.readAllLines(Path.of(arguments[0]))) {
        List<Object> words = new ArrayList<>(List.of(call.split("\t")));
        words.addAll(List.of("--out", arguments[1]));
        Program.Result result = Program.run(words.toArray());
        System.out.println(
            "exit " + result.exit() + ": " + result.err().lines().toList().getLast());
      }
    }
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
    return inSmallHeap(Ebflow.class, log, arguments);
  }

  private static int inSmallHeap(Class<?> main, Path log, Object... arguments) throws Exception {
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
                main.getName()));
    Stream.of(arguments).map(Object::toString).forEach(words::add);
    return new ProcessBuilder(words)
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start()
        .waitFor();
  }
}
