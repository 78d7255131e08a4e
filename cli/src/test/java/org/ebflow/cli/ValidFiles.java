package org.ebflow.cli;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.NpyWriter;

/**
 * Small valid files of every format of input, and of every kind in a run folder.
 *
 * @param folder where they are written
 * @param run folder that is copied where a file of a run is asked for
 */
record ValidFiles(Path folder, Path run) {
  /** Pixels on a side of pictures and of idx images. */
  static final int SIDE = 4;

  private static final int ROWS = 40;

  /** Writes the valid file of that name, with what belongs to it. */
  Path write(String name, Random random) throws IOException {
    Path file = folder.resolve(name);
    if (name.startsWith("run/")) {
      copyRun();
      if (!name.endsWith("*")) {
        return file;
      }
      try (Stream<Path> all = Files.list(file.getParent())) {
        List<Path> each = all.filter(Files::isRegularFile).sorted().toList();
        return each.get(random.nextInt(each.size()));
      }
    }
    Files.createDirectories(file.getParent());
    if (name.startsWith("pictures/")) {
      ImageIO.write(picture(1), "png", file.resolveSibling("a.png").toFile());
      ImageIO.write(picture(2), name.endsWith("png") ? "png" : "jpeg", file.toFile());
      return file;
    }
    if (name.startsWith("cifar10/") || name.startsWith("stl10/")) {
      writeImages(name);
      return file;
    }
    byte[] bytes = bytes(name.replace(".gz", ""));
    return Files.write(file, name.endsWith(".gz") ? gzip(bytes) : bytes);
  }

  private void copyRun() throws IOException {
    try (Stream<Path> all = Files.walk(run)) {
      for (Path each : all.sorted().toList()) {
        Path target = folder.resolve("run").resolve(run.relativize(each).toString());
        if (Files.isDirectory(each)) {
          Files.createDirectories(target);
        } else {
          Files.copy(each, target);
        }
      }
    }
  }

  private static BufferedImage picture(int seed) {
    BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < SIDE * SIDE; i++) {
      image.setRGB(i % SIDE, i / SIDE, (seed + i) * 2_654_435 & 0xFFFFFF);
    }
    return image;
  }

  private static byte[] bytes(String name) throws IOException {
    double[][] rows = TestRuns.rows(ROWS, 3, 5);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    switch (name) {
      case "rows.csv", "quoted.csv" -> {
        StringBuilder text = new StringBuilder("a,b,c\n");
        String quote = name.startsWith("q") ? "\"" : "";
        for (double[] row : rows) {
          text.append(quote).append(row[0]).append(quote).append(',').append(row[1]);
          text.append(',').append(row[2]).append('\n');
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
      }
      case "rows.npy", "columns.npy" -> {
        byte[] header = NpyWriter.header(Precision.FLOAT64, ROWS, 3);
        String text = new String(header, StandardCharsets.ISO_8859_1);
        ByteBuffer values = ByteBuffer.allocate(ROWS * 24).order(ByteOrder.LITTLE_ENDIAN);
        if (name.startsWith("c")) {
          text = text.replace("False", "True ");
        }
        for (int i = 0; i < 3 * ROWS; i++) {
          values.putDouble(name.startsWith("c") ? rows[i % ROWS][i / ROWS] : rows[i / 3][i % 3]);
        }
        out.write(text.getBytes(StandardCharsets.ISO_8859_1));
        out.write(values.array());
      }
      case "images.npy" -> {
        byte[] pixels = new byte[3 * ROWS * SIDE * SIDE];
        new Random(2).nextBytes(pixels);
        out.write(TestRuns.npy("%d,3,%d,%d".formatted(ROWS, SIDE, SIDE), pixels));
      }
      case "rows.parquet" -> TestRuns.parquet(out, List.of("a", "b", "c"), rows);
      default -> {
        byte[] pixels = new byte[ROWS * SIDE * SIDE];
        new Random(2).nextBytes(pixels);
        out.write(
            ByteBuffer.allocate(16).putInt(0x803).putInt(ROWS).putInt(SIDE).putInt(SIDE).array());
        out.write(pixels);
      }
    }
    return out.toByteArray();
  }

  private void writeImages(String name) throws IOException {
    boolean cifar = name.startsWith("cifar10/");
    Path place = folder.resolve(cifar ? "cifar10" : "stl10");
    List<String> files =
        cifar
            ? List.of(
                "data_batch_1.bin",
                "data_batch_2.bin",
                "data_batch_3.bin",
                "data_batch_4.bin",
                "data_batch_5.bin",
                "test_batch.bin")
            : List.of("test_X.bin", "train_X.bin", "unlabeled_X.bin");
    int record = cifar ? 3073 : 27_648;
    String inside = cifar ? "cifar-10-batches-bin" : "stl10_binary";
    if (name.endsWith(".tar.gz")) {
      try (TarArchiveOutputStream tar =
          new TarArchiveOutputStream(
              new GZIPOutputStream(Files.newOutputStream(folder.resolve(name))))) {
        for (String each : files) {
          byte[] bytes = new byte[12 * record];
          TarArchiveEntry entry = new TarArchiveEntry(inside + "/" + each);
          entry.setSize(bytes.length);
          tar.putArchiveEntry(entry);
          tar.write(bytes);
          tar.closeArchiveEntry();
        }
      }
      return;
    }
    Path extracted = Files.createDirectories(place.resolve(inside));
    for (String each : files) {
      Files.write(extracted.resolve(each), new byte[12 * record]);
    }
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }
}
