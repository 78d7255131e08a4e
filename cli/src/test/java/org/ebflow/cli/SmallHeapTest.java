package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.ebflow.cli.Program.Result;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls of the command in a process with a heap of 32 MiB. */
class SmallHeapTest {
  private static final int ROWS = 1_500_000;

  private static final String CELLS =
      ": expected at most [0-9]{2},[0-9]{3} cells in this heap, found more";

  private static final String COLUMNS =
      "expected at most [0-9]{2},[0-9]{3} columns in this heap, found 1[06]0,000";

  /** Sizes that only a small file claims, or that compression makes of one; what is said of it. */
  private static final Map<String, String> HOSTILE =
      Map.of(
          "cells.csv.gz", "started in line 1" + CELLS,
          "row.csv", "started in line 3" + CELLS,
          "chunks.csv", "started in line 200002" + CELLS,
          "index.csv", "started in line 3" + CELLS,
          "wide.npy.gz", COLUMNS,
          "wide-ubyte.gz", COLUMNS);

  @TempDir static Path folder;
  private static Path out;

  /** By the last path that each call names. */
  private static final Map<Path, Result> RESULTS = new HashMap<>();

  @BeforeAll
  static void run() throws Exception {
    Path run = folder.resolve("run");
    TestRuns.table(run, 3);
    Path images = folder.resolve("images");
    TestRuns.pictures(images);
    out = Files.createDirectory(folder.resolve("out"));
    List<List<Object>> calls = new ArrayList<>();
    calls.add(List.of("score", run, longTable(), "--out", out.resolve("long.npy")));
    writeHostile();
    for (String name : HOSTILE.keySet()) {
      calls.add(List.of("score", run, folder.resolve(name), "--out", out.resolve(name + ".csv")));
    }
    calls.add(List.of("score", images, pictures(), "--out", out.resolve("pictures.csv")));
    calls.add(List.of("sample", run, "--count", 100_000_000, "--out", out.resolve("too-many.npy")));
    List<Result> results =
        ChildProgram.runEach(List.of("-Xmx32m", "-XX:+UseSerialGC"), Map.of(), calls);
    for (int i = 0; i < calls.size(); i++) {
      RESULTS.put((Path) calls.get(i).getLast(), results.get(i));
    }
  }

  private static Result result(String name) {
    return Objects.requireNonNull(RESULTS.get(out.resolve(name)));
  }

  private static Path longTable() throws IOException {
    Path csv = folder.resolve("in.csv");
    byte[] block = "1,2,3\n4,5,6.5\n-1,0,7\n".getBytes(StandardCharsets.US_ASCII);
    try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(csv))) {
      stream.write("a,b,c\n".getBytes(StandardCharsets.US_ASCII));
      for (int i = 0; i < ROWS / 3; i++) {
        stream.write(block);
      }
    }
    return csv;
  }

  private static void writeHostile() throws IOException {
    String endless = "1,".repeat(100_000);
    TestRuns.text(folder.resolve("cells.csv.gz"), endless);
    TestRuns.text(folder.resolve("row.csv"), "a,b,c\n1,2,3\n" + endless);
    TestRuns.text(folder.resolve("chunks.csv"), "a,b,c\n" + "1,2,3\n".repeat(200_000) + endless);
    TestRuns.text(folder.resolve("index.csv"), ",a,b,c\n0,1,2,3\n1," + endless);
    padded(folder.resolve("wide.npy.gz"), npyHeader("(1, 100000)"));
    padded(
        folder.resolve("wide-ubyte.gz"),
        ByteBuffer.allocate(16).putInt(0x803).putInt(1).putInt(400).putInt(400).array());
  }

  /** A picture, and one that claims to be larger than the heap. */
  private static Path pictures() throws IOException {
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    ImageIO.write(
        new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB),
        "png",
        pictures.resolve("a.png").toFile());
    Files.write(pictures.resolve("b.png"), png(3000, 3000));
    return pictures;
  }

  /** The numbers of the table alone fill the heap. */
  @Test
  void memoryDoesNotGrowWithTheTable() throws Exception {
    Result result = result("long.npy");
    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(Files.size(out.resolve("long.npy"))).isEqualTo(128 + 40L * ROWS);
  }

  @Test
  void tooLittleMemoryIsOneLine() {
    Result result = result("too-many.npy");
    assertThat(result.exit()).as(result.err()).isEqualTo(2);
    assertThat(result.err())
        .contains("ebflow: out of memory", "EBFLOW_JAVA_OPTS")
        .doesNotContain("\tat ");
    assertThat(out.resolve("too-many.npy")).doesNotExist();
    assertThat(out).isDirectoryNotContaining("glob:**.part");
  }

  @Test
  void hostileSizesAreRefusedBeforeTheyFillTheMemory() {
    HOSTILE.forEach(
        (name, pattern) -> {
          Result result = result(name + ".csv");
          assertThat(result.exit()).as(result.err()).isEqualTo(2);
          assertThat(result.err().lines().toList().getLast())
              .matches("ebflow: .*/" + name + ": .*" + pattern + ".*");
        });
  }

  @Test
  void aPictureLargerThanTheHeapIsARejectedRow() {
    assertThat(result("pictures.csv").exit()).isZero();
    assertThat(out.resolve("pictures.csv.rejected.csv"))
        .content()
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
}
