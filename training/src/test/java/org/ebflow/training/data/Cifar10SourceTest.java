package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Cifar10SourceTest {
  private static final int IMAGES = 3;
  private static final int RECORD = 3073;
  private static final String ARCHIVE = "cifar-10-binary.tar.gz";
  private static final String EXTRACTED = "cifar-10-batches-bin";

  @TempDir Path folder;
  private Path place;

  @BeforeEach
  void makePlace() throws IOException {
    place = Files.createDirectory(folder.resolve("cifar10"));
  }

  /** Pixel of the image of that number in all six files. */
  private static int pixel(int image, int channel, int y, int x) {
    return (image * 31 + channel * 80 + y * 7 + x) % 256;
  }

  /** The file with the images from that number on. */
  private static byte[] file(int first, int images) {
    byte[] bytes = new byte[images * RECORD];
    for (int i = 0; i < images; i++) {
      bytes[i * RECORD] = (byte) ((first + i) % 10);
      for (int j = 0; j < RECORD - 1; j++) {
        bytes[i * RECORD + 1 + j] = (byte) pixel(first + i, j / 1024, j / 32 % 32, j % 32);
      }
    }
    return bytes;
  }

  private static Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    for (String name : Cifar10Batches.FILES) {
      files.put(name, file(files.size() * IMAGES, IMAGES));
    }
    return files;
  }

  private static byte[] tar(Map<String, byte[]> files) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      tar.putArchiveEntry(new TarArchiveEntry(EXTRACTED + "/"));
      tar.closeArchiveEntry();
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        TarArchiveEntry entry = new TarArchiveEntry(EXTRACTED + "/" + file.getKey());
        entry.setSize(file.getValue().length);
        tar.putArchiveEntry(entry);
        tar.write(file.getValue());
        tar.closeArchiveEntry();
      }
    }
    return bytes.toByteArray();
  }

  private void write(String form, Map<String, byte[]> files) throws IOException {
    switch (form) {
      case "tar.gz" -> TestData.write(place, ARCHIVE, TestData.gzip(tar(files)));
      case "tar" -> TestData.write(place, "cifar-10-binary.tar", tar(files));
      default -> {
        Path extracted = Files.createDirectories(place.resolve(EXTRACTED));
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
          TestData.write(extracted, file.getKey(), file.getValue());
        }
      }
    }
  }

  private Splits load() {
    return DataSources.in(folder).load("cifar10", 1);
  }

  /** Warnings while loading. */
  private List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    Logger logger = Logger.getLogger(Cifar10Source.class.getName());
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            warnings.add(new SimpleFormatter().formatMessage(record));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(handler);
    try {
      load();
    } finally {
      logger.removeHandler(handler);
    }
    return warnings;
  }

  private void refuses(String... parts) {
    assertThatThrownBy(this::load)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(place + "/")
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tar.gz", "tar", "bin"})
  void imagesHaveTheirChannelsSideBySide(String form) throws IOException {
    write(form, files());

    Splits splits = load();
    List<Dataset> parts = List.of(splits.train(), splits.validation(), splits.test());
    assertThat(parts).extracting(Dataset::size).containsExactly(4 * IMAGES, IMAGES, IMAGES);
    assertThat(parts)
        .allSatisfy(part -> assertThat(part.imageShape()).isEqualTo(new Shape(3, 32, 32)))
        .allSatisfy(part -> assertThat(part.levels()).isEqualTo(256))
        .allSatisfy(part -> assertThat(part.name()).isEqualTo("cifar10"));
    int image = 0;
    for (Dataset part : parts) {
      for (int r = 0; r < part.size(); r++, image++) {
        double[] row = part.row(r);
        for (int i = 0; i < row.length; i++) {
          assertThat(row[i]).isEqualTo(pixel(image, i % 3, i / 96, i / 3 % 32));
        }
      }
    }
    assertThat(DataSources.in(folder).info("cifar10").present()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tar.gz", "tar", "bin"})
  void theSha256IsThatOfTheFilesWithin(String form) throws IOException {
    write(form, files());
    // sha256sum data_batch_?.bin | sha256sum
    String training = "4e8d6b22bf2f803a87536c04e18dfbce2af1963e5b4c7243b1af86788e1e2770";
    Splits splits = load();
    assertThat(splits.train().sha256()).isEqualTo(training);
    assertThat(splits.validation().sha256()).isEqualTo(training);
    assertThat(splits.test().sha256())
        .isEqualTo("2f0118565b7438cffb8d15781336fb28d64b775d6dee92f80c4f9f536a24ec73");
  }

  @Test
  void entriesOfTheArchiveMayComeInAnyOrderAmongOthers() throws IOException {
    write("bin", files());
    List<double[]> expected = List.of(load().train().row(7), load().test().row(1));
    Map<String, byte[]> reversed = new LinkedHashMap<>();
    reversed.put("readme.html", "<html>".getBytes(StandardCharsets.UTF_8));
    files().entrySet().stream()
        .sorted(Map.Entry.<String, byte[]>comparingByKey().reversed())
        .forEach(file -> reversed.put(file.getKey(), file.getValue()));
    write("tar.gz", reversed);
    assertThat(load().train().row(7)).containsExactly(expected.get(0));
    assertThat(load().test().row(1)).containsExactly(expected.get(1));
  }

  @Test
  void theArchiveGoesBeforeExtractedFiles() throws IOException {
    write("bin", Map.of("data_batch_1.bin", new byte[1]));
    write("tar.gz", files());
    assertThat(load().train().size()).isEqualTo(4 * IMAGES);
    assertThat(DataSources.in(folder).fetch("cifar10")).containsExactly(place.resolve(ARCHIVE));
  }

  @Test
  void extractedFilesNeedNoDownload() throws IOException {
    write("bin", files());
    assertThat(DataSources.in(folder).fetch("cifar10"))
        .hasSize(6)
        .allSatisfy(file -> assertThat(file).isRegularFile());
  }

  @Test
  void oneWarningNamesWhatIsNotThePublishedData() throws IOException {
    write("tar.gz", files());
    assertThat(warnings())
        .containsExactly(
            place.resolve(ARCHIVE)
                + " is not the published data: the SHA-256 of "
                + String.join(", ", Cifar10Batches.FILES)
                + " is another");
  }

  @Test
  void truncatedArchivesAreRefused() throws IOException {
    byte[] tar = tar(files());
    for (int length : new int[] {4 * RECORD, 5 * 1024 + 100, tar.length / 2 + 700, 1536 + RECORD}) {
      TestData.write(place, ARCHIVE, TestData.gzip(Arrays.copyOf(tar, length)));
      refuses(ARCHIVE + ": expected a whole tar archive, found damage (Truncated TAR archive)");
      Files.delete(place.resolve(ARCHIVE));
      TestData.write(place, "cifar-10-binary.tar", Arrays.copyOf(tar, length));
      refuses("tar: expected a whole tar archive, found damage (Truncated TAR archive)");
    }
    byte[] compressed = TestData.gzip(tar);
    for (int cut : new int[] {5, 9, compressed.length / 2}) {
      TestData.write(place, ARCHIVE, Arrays.copyOf(compressed, compressed.length - cut));
      refuses(ARCHIVE + ": expected more data, found the end of a truncated file");
    }
    TestData.write(place, ARCHIVE, new byte[0]);
    refuses(ARCHIVE + ": expected data, found an empty file");
  }

  @Test
  void corruptArchivesAreRefused() throws IOException {
    byte[] compressed = TestData.gzip(tar(files()));
    compressed[compressed.length - 6] ^= 1; // the checksum
    TestData.write(place, ARCHIVE, compressed);
    refuses(ARCHIVE + ": expected gzip data, found corruption");

    byte[] tar = tar(files());
    tar[512 + 150] ^= 1; // the checksum of a header
    TestData.write(place, ARCHIVE, TestData.gzip(tar));
    refuses(ARCHIVE + ": expected a whole tar archive, found damage (");

    TestData.write(place, ARCHIVE, "no archive".repeat(1000));
    refuses(ARCHIVE + ": expected a whole tar archive, found damage (");
  }

  @Test
  void archivesWithoutAllFilesAreRefused() throws IOException {
    Map<String, byte[]> files = files();
    files.remove("data_batch_2.bin");
    files.remove("test_batch.bin");
    write("tar.gz", files);
    refuses(ARCHIVE + ": expected data_batch_2.bin, test_batch.bin within, found none");
    write("tar.gz", Map.of());
    refuses(ARCHIVE + ": expected data_batch_1.bin, ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tar.gz", "tar", "bin"})
  void filesOfAnotherFormAreRefused(String form) throws IOException {
    Map<String, byte[]> files = files();
    files.put("data_batch_4.bin", file(9, IMAGES + 1));
    write(form, files);
    refuses("data_batch_4.bin: expected 3 images as in the other training files, found 4");

    files.put("data_batch_4.bin", Arrays.copyOf(file(9, IMAGES), 2 * RECORD + 1));
    write(form, files);
    refuses("data_batch_4.bin: expected 1 to 10000 images of 3073 bytes, found 6147 bytes");

    byte[] labels = file(9, IMAGES);
    labels[RECORD] = -1;
    files.put("data_batch_4.bin", labels);
    write(form, files);
    refuses("data_batch_4.bin: expected a label from 0 to 9 at offset 3073, found 255");
    labels[RECORD] = 10;
    write(form, files);
    refuses("data_batch_4.bin: expected a label from 0 to 9 at offset 3073, found 10");

    files.put("data_batch_4.bin", file(9, IMAGES));
    files.put("test_batch.bin", new byte[10_001 * RECORD]);
    write(form, files);
    refuses("test_batch.bin: expected 1 to 10000 images of 3073 bytes, found 30733073 bytes");
  }

  @Test
  void aFileThatComesTwiceIsRefused() throws IOException {
    Map<String, byte[]> files = files();
    files.put("copy/data_batch_1.bin", file(0, IMAGES));
    write("tar.gz", files);
    refuses(ARCHIVE + ": data_batch_1.bin: expected one file of this name, found two");
  }

  @Test
  void missingEmptyAndCompressedExtractedFilesAreRefused() throws IOException {
    write("bin", files());
    Path file = place.resolve(EXTRACTED).resolve("data_batch_3.bin");
    TestData.write(file.getParent(), "data_batch_3.bin", TestData.gzip(file(6, IMAGES)));
    refuses(file + ": expected plain records, found gzip data");
    Files.write(file, new byte[0]);
    refuses(file + ": expected data, found an empty file");
    Files.delete(file);
    refuses(file + ": expected a file, found none");
    Files.createDirectory(file);
    refuses(file + ": expected a file, found a directory");
  }

  @Test
  void aMissingSetNamesTheArchive() {
    refuses(
        ARCHIVE
            + ": expected the file published as https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz, found none");
    assertThat(DataSources.in(folder).info("cifar10").present()).isFalse();
  }

  @Test
  void thePublishedDataHaveTheirKnownPixelsAndMeans() {
    folder = TestData.real("cifar10/" + ARCHIVE).getParent().getParent();
    assertThat(warnings()).isEmpty();
    Splits splits = load();
    assertThat(List.of(splits.train().size(), splits.validation().size(), splits.test().size()))
        .containsExactly(40_000, 10_000, 10_000);
    assertThat(Arrays.copyOf(splits.train().row(0), 3)).containsExactly(59, 62, 63); // a frog
    assertThat(Arrays.copyOf(splits.test().row(0), 3)).containsExactly(158, 112, 49); // a cat
    assertThat(splits.test().sha256())
        .isEqualTo("8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b");
    double[] sums = new double[3];
    for (Dataset part : List.of(splits.train(), splits.validation())) {
      for (int r = 0; r < part.size(); r++) {
        double[] row = part.row(r);
        for (int i = 0; i < row.length; i++) {
          sums[i % 3] += row[i];
        }
      }
    }
    double[] means = Arrays.stream(sums).map(sum -> sum / (50_000 * 1024.0 * 255)).toArray();
    assertThat(means).containsExactly(new double[] {.4914, .4822, .4465}, within(5e-5));
  }
}
