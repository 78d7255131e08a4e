package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxFileTest {
  @TempDir Path folder;

  private void refuses(String name, byte[] content, String... parts) throws IOException {
    Path file = TestData.write(folder, name, content);
    assertThatThrownBy(() -> IdxFile.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n");
  }

  @Test
  void readsPlainAndCompressedImages() throws IOException {
    byte[] content = TestData.idx(70, 2, 2);
    for (Path file :
        new Path[] {
          TestData.write(folder, "a-ubyte", content),
          TestData.write(folder, "b-ubyte.gz", TestData.gzip(content))
        }) {
      Dataset images = IdxFile.read(file);
      assertThat(images.size()).isEqualTo(70);
      assertThat(images.imageShape()).isEqualTo(new Shape(1, 2, 2));
      assertThat(images.row(50)).containsExactly(200, 201, 202, 203);
      assertThat(images.sha256()).hasSize(64);
    }
  }

  @Test
  void refusesAChoiceOfColumns() throws IOException {
    Path file = TestData.write(folder, "a-ubyte", TestData.idx(70, 2, 2));
    for (TableOptions options :
        List.of(
            TableOptions.DEFAULT.withColumns(List.of("1")),
            TableOptions.DEFAULT.withDrop(List.of("1")),
            TableOptions.DEFAULT.withHeader(TableOptions.Header.YES))) {
      assertThatThrownBy(() -> DataSources.read(file, options))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage(file + ": expected no choice of columns for idx images, found one");
    }
  }

  @Test
  void refusesTruncatedFiles() throws IOException {
    byte[] whole = TestData.idx(100, 8, 8);
    refuses("header", Arrays.copyOf(whole, 11), "expected an idx header of 16 bytes", "found 11");
    refuses("pixels", Arrays.copyOf(whole, 6000), "expected 6416 bytes");
    byte[] compressed = TestData.gzip(whole);
    refuses("gz", Arrays.copyOf(compressed, compressed.length - 9), "truncated");
  }

  @Test
  void refusesCorruptGzip() throws IOException {
    byte[] compressed = TestData.gzip(TestData.idx(100, 8, 8));
    compressed[compressed.length - 6] ^= 1; // the checksum
    refuses("gz", compressed, "expected gzip data", "corruption");
  }

  @Test
  void refusesForeignFiles() throws IOException {
    refuses("labels", TestData.idx(0x801, 4, 2, 2, 16), "00000803", "found 00000801");
    refuses(
        "png",
        "\u0089PNG\r\n and some more bytes".getBytes(StandardCharsets.ISO_8859_1),
        "found 89504e47");
    refuses("trailing", TestData.idx(0x803, 4, 2, 2, 17), "expected the end at offset 32");
    refuses("empty", new byte[0], "empty file");
  }

  @Test
  void refusesAbsurdSizesBeforeAllocation() throws IOException {
    int big = Integer.MAX_VALUE;
    refuses("overflow", TestData.idx(0x803, big, big, big, 4), "offset 4");
    refuses("negative", TestData.idx(0x803, -1, 28, 28, 4), "4294967295 images");
    refuses("zero", TestData.idx(0x803, 4, 0, 28, 4), "at least 1x1, found 4 images of 0x28");
    refuses("none", TestData.idx(0, 28, 28), "expected images, found none");
    refuses("neither", TestData.idx(0x803, -1, 0, 28, 4), "at least 1x1");
    refuses("height", TestData.idx(0x803, 1, -1, 28, 4), "1 images of 4294967295x28");
    refuses("large", TestData.idx(0x803, 2_000_000, 28, 28, 4), "too short");
    refuses("bomb", TestData.gzip(TestData.idx(0x803, 2_000_000, 28, 28, 4)), "too short");
  }

  @Test
  void refusesDirectoriesAndMissingFiles() {
    assertThatThrownBy(() -> IdxFile.read(folder))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("found a directory");
    assertThatThrownBy(() -> IdxFile.read(folder.resolve("none")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(folder.resolve("none") + ": expected a file, found none");
  }

  @Test
  void readsMnistWithItsKnownMean() {
    Dataset images = IdxFile.read(TestData.real("mnist/train-images-idx3-ubyte.gz"));
    assertThat(images.size()).isEqualTo(60_000);
    assertThat(images.sha256())
        .isEqualTo("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609");
    double sum = 0;
    for (int r = 0; r < images.size(); r++) {
      sum += Arrays.stream(images.row(r)).sum();
    }
    assertThat(sum / images.size() / images.dimension() / 255)
        .isEqualTo(0.1306604762738429, within(1e-12));
  }
}
