package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class Stl10SourceTest {
  private static final int RECORD = 27_648;

  @TempDir Path folder;
  private Path place;

  @BeforeEach
  void makePlace() throws IOException {
    place = Files.createDirectories(folder.resolve("stl10"));
  }

  /** Pixel of the image of that number in all files. */
  private static int pixel(int image, int channel, int y, int x) {
    return (image * 31 + channel * 80 + y * 7 + x) % 256;
  }

  /** Planes, each column by column. */
  private static byte[] file(int first, int images) {
    byte[] bytes = new byte[images * RECORD];
    for (int i = 0; i < bytes.length; i++) {
      int within = i % RECORD;
      bytes[i] = (byte) pixel(first + i / RECORD, within / 9216, within % 96, within % 9216 / 96);
    }
    return bytes;
  }

  /** In the archive's order: the test images first. */
  private static Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("test_X.bin", file(30, 2));
    files.put("test_y.bin", new byte[2]);
    files.put("train_X.bin", file(0, 3));
    files.put("unlabeled_X.bin", file(3, 19));
    return files;
  }

  private static byte[] tar(Map<String, byte[]> files) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        TarArchiveEntry entry = new TarArchiveEntry("stl10_binary/" + file.getKey());
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
      case "archive" ->
          Files.write(place.resolve("stl10_binary.tar.gz"), TestData.gzip(tar(files)));
      case "plain archive" -> Files.write(place.resolve("stl10_binary.tar"), tar(files));
      default -> {
        Path extracted = Files.createDirectory(place.resolve("stl10_binary"));
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
          Files.write(extracted.resolve(file.getKey()), file.getValue());
        }
      }
    }
  }

  private Splits load(int side) {
    return DataSources.in(folder)
        .load("stl10", TableOptions.DEFAULT.withPictures(new PictureOptions(side, 0)), 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"archive", "plain archive", "extracted"})
  void imagesAreReadByColumnsAndTheLastTrainingImagesValidate(String form) throws IOException {
    write(form, files());

    Splits splits = load(0);

    assertThat(splits.train().imageShape()).isEqualTo(new Shape(3, 96, 96));
    assertThat(splits.train().size()).isEqualTo(20);
    assertThat(splits.validation().size()).isEqualTo(2);
    assertThat(splits.test().size()).isEqualTo(2);
    assertImage(splits.train().row(0), 0);
    assertImage(splits.train().row(5), 5);
    assertImage(splits.validation().row(1), 21);
    assertImage(splits.test().row(1), 31);
  }

  @Test
  void tenOf105TrainingImagesValidateRoundedDown() throws IOException {
    Map<String, byte[]> files = files();
    files.put("unlabeled_X.bin", file(3, 28));
    write("extracted", files);

    Splits splits = load(8);

    assertThat(splits.train().size()).isEqualTo(29);
    assertThat(splits.validation().size()).isEqualTo(2); // of 31
  }

  private static void assertImage(double[] row, int image) {
    for (int i = 0; i < row.length; i++) {
      assertThat(row[i]).isEqualTo(pixel(image, i % 3, i / 3 / 96, i / 3 % 96));
    }
  }

  @Test
  void bothCachesAreReadAgain() throws IOException {
    write("extracted", files());
    load(8);
    Path extracted = place.resolve("stl10_binary");
    for (String name : List.of("train_X.bin", "unlabeled_X.bin", "test_X.bin")) {
      FileTime time = Files.getLastModifiedTime(extracted.resolve(name));
      Files.write(extracted.resolve(name), new byte[(int) Files.size(extracted.resolve(name))]);
      Files.setLastModifiedTime(extracted.resolve(name), time);
    }

    Splits again = load(8);

    assertThat(again.train().row(5)).doesNotContain(0);
    assertThat(again.test().row(1)).doesNotContain(0);
  }

  @Test
  void theRecipesSideIsReachedByResizing() throws IOException {
    Map<String, byte[]> files = files();
    byte[] flat = new byte[RECORD];
    Arrays.fill(flat, (byte) 200);
    files.put("train_X.bin", flat);
    write("archive", files);

    Splits splits = load(64);

    assertThat(splits.train().imageShape()).isEqualTo(new Shape(3, 64, 64));
    assertThat(splits.train().row(0)).containsOnly(200);
  }

  @Test
  void aMissingFileIsNamed() throws IOException {
    Map<String, byte[]> files = files();
    files.remove("unlabeled_X.bin");
    write("archive", files);

    assertThatThrownBy(() -> load(64))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith("stl10_binary.tar.gz: expected unlabeled_X.bin within, found none");
  }

  @Test
  void aMissingExtractedFileIsNamed() throws IOException {
    Map<String, byte[]> files = files();
    files.remove("unlabeled_X.bin");
    write("extracted", files);

    assertThatThrownBy(() -> load(64))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith("unlabeled_X.bin: expected a file, found none");
  }

  @Test
  void aTruncatedArchiveIsRefused() throws IOException {
    byte[] whole = TestData.gzip(tar(files()));
    Files.write(place.resolve("stl10_binary.tar.gz"), Arrays.copyOf(whole, whole.length / 2));

    assertThatThrownBy(() -> load(64))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("stl10_binary.tar.gz: expected ");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, RECORD - 1, RECORD + 1})
  void aFileOfNoWholeImagesIsRefused(int bytes) throws IOException {
    Map<String, byte[]> files = files();
    files.put("train_X.bin", new byte[bytes]);
    write("archive", files);

    assertThatThrownBy(() -> load(64))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected 1 to 100000 images of 27648 bytes, found " + bytes);
  }

  @Test
  void otherSetsAreNotResized() {
    TableOptions resized = TableOptions.DEFAULT.withPictures(new PictureOptions(64, 0));
    for (String name : List.of("sine", "cifar10")) {
      assertThatThrownBy(() -> DataSources.in(folder).load(name, resized, 1))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageStartingWith(name + ": expected data.image_side 0");
    }
  }
}
