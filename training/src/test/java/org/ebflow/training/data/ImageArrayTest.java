package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NPY arrays of images. */
class ImageArrayTest {
  private static final int HEIGHT = 2;
  private static final int WIDTH = 4;

  @TempDir Path folder;

  /** A number that tells where it stands. */
  private static int pixel(int image, int y, int x, int channel) {
    return 100 * image + 20 * y + 4 * x + channel;
  }

  private static byte[] images(int count, int channels, boolean channelsFirst) {
    byte[] all = new byte[count * HEIGHT * WIDTH * channels];
    int at = 0;
    for (int n = 0; n < count; n++) {
      for (int i = 0; i < HEIGHT * WIDTH * channels; i++) {
        int channel = channelsFirst ? i / (HEIGHT * WIDTH) : i % channels;
        int place = channelsFirst ? i % (HEIGHT * WIDTH) : i / channels;
        all[at++] = (byte) pixel(n, place / WIDTH, place % WIDTH, channel);
      }
    }
    return all;
  }

  private static byte[] npy(String shape, byte[] elements) {
    return TestData.npy(header("|u1", "False", shape), elements);
  }

  private static String header(String type, String fortran, String shape) {
    return "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }".formatted(type, fortran, shape);
  }

  private Path write(String name, String shape, byte[] elements) throws IOException {
    byte[] content = npy(shape, elements);
    Files.createDirectories(folder.resolve(name).getParent());
    return TestData.write(folder, name, name.endsWith(".gz") ? TestData.gzip(content) : content);
  }

  private static double[] expected(int image, int channels) {
    double[] row = new double[HEIGHT * WIDTH * channels];
    for (int i = 0; i < row.length; i++) {
      int place = i / channels;
      row[i] = pixel(image, place / WIDTH, place % WIDTH, i % channels);
    }
    return row;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "a.npy; 2,2,4; 1; false",
        "a.npy; 2,2,4,1; 1; false",
        "a.npy; 2,1,2,4; 1; true",
        "a.npy; 2,2,4,3; 3; false",
        "a.npy; 2,3,2,4; 3; true",
        "a.npy.gz; 2,3,2,4; 3; true",
        "a.npy.gz; 2,2,4; 1; false"
      })
  void rowsArePixelsWithTheirChannelsTogether(
      String name, String shape, int channels, boolean channelsFirst) throws IOException {
    Path file = write(name, shape, images(2, channels, channelsFirst));
    Dataset images = DataSources.read(file, TableOptions.DEFAULT);
    assertThat(images.imageShape()).isEqualTo(new Shape(channels, HEIGHT, WIDTH));
    assertThat(images.levels()).isEqualTo(256);
    assertThat(images.size()).isEqualTo(2);
    assertThat(images.columns()).isEmpty();
    for (int n = 0; n < 2; n++) {
      assertThat(images.row(n)).isEqualTo(expected(n, channels));
    }
    assertThat(InputFiles.of(file).areImages()).isTrue();
    assertThat(DataSources.in(folder).leastShape(file.toString(), TableOptions.DEFAULT))
        .contains(images.imageShape());

    try (TableReader table = TableReader.open(file, TableOptions.DEFAULT)) {
      assertThat(table.rows()).isEqualTo(2);
      double[] both = new double[2 * images.dimension()];
      int good = table.nextGood(both, 0, 2);
      assertThat(good).isIn(0, 2);
      assertThat(good == 2 || table.next()).isTrue();
      assertThat(good == 2 ? Arrays.copyOf(both, images.dimension()) : table.values())
          .isEqualTo(expected(0, channels));
    }

    Dataset mapped = InMemoryTable.read(file, TableOptions.DEFAULT, 1).dataset();
    assertThat(mapped.heapBytes()).isZero();
    assertThat(mapped.row(1)).isEqualTo(expected(1, channels));
  }

  /** Each may have its channels first or last. */
  @Test
  void severalArraysOfOneShapeAreReadTogether() throws IOException {
    write("c/1.npy", "2,2,4,3", images(2, 3, false));
    write("c/2.npy", "2,3,2,4", images(2, 3, true));
    Dataset colour = DataSources.read(folder.resolve("c"), TableOptions.DEFAULT);
    assertThat(colour.imageShape()).isEqualTo(new Shape(3, HEIGHT, WIDTH));
    assertThat(colour.levels()).isEqualTo(256);
    assertThat(colour.size()).isEqualTo(4);
    assertThat(colour.row(3)).isEqualTo(colour.row(1)).isEqualTo(expected(1, 3));
    assertThat(InputFiles.of(folder.resolve("c")).areImages()).isTrue();
  }

  /** They are the same data set as one file of all images, and may stand beside arrays. */
  @Test
  void severalIdxFilesOfOnePatternAreReadTogether() throws IOException {
    byte[] all = TestData.idx(5, HEIGHT, WIDTH);
    byte[] second = TestData.idx(3, HEIGHT, WIDTH);
    int image = HEIGHT * WIDTH;
    System.arraycopy(all, 16 + 2 * image, second, 16, 3 * image);
    Files.write(folder.resolve("1-idx3-ubyte"), TestData.idx(2, HEIGHT, WIDTH));
    Files.write(folder.resolve("2-idx3-ubyte.gz"), TestData.gzip(second));
    Dataset whole =
        DataSources.read(Files.write(folder.resolve("all-ubyte"), all), TableOptions.DEFAULT);
    InputFiles parts = InputFiles.of(folder.resolve("*-idx3-ubyte*"));
    Dataset joined = DataSources.read(parts, TableOptions.DEFAULT);
    assertThat(parts.areImages()).isTrue();
    assertThat(joined.imageShape()).isEqualTo(whole.imageShape());
    assertThat(joined.levels()).isEqualTo(256);
    assertThat(joined.size()).isEqualTo(5);
    for (int n = 0; n < 5; n++) {
      assertThat(joined.row(n)).isEqualTo(whole.row(n));
    }
    assertThat(DataSources.in(folder).leastShape(parts.name().toString(), TableOptions.DEFAULT))
        .contains(whole.imageShape());
    write("3.npy", "2,2,4", images(2, 1, false));
    assertThat(DataSources.read(folder.resolve("[123]*"), TableOptions.DEFAULT).size())
        .isEqualTo(7);
  }

  /** As an array or CSV of no rows. */
  @ParameterizedTest
  @ValueSource(strings = {"0-ubyte", "2-ubyte"})
  void anIdxFileWithoutImagesAddsNone(String empty) throws IOException {
    Files.write(folder.resolve("1-ubyte"), TestData.idx(2, HEIGHT, WIDTH));
    Path none = Files.write(folder.resolve(empty), TestData.idx(0, HEIGHT, WIDTH));
    assertThat(DataSources.read(folder.resolve("*-ubyte"), TableOptions.DEFAULT).size())
        .isEqualTo(2);
    try (TableReader table = TableReader.open(none, TableOptions.DEFAULT)) {
      assertThat(table.rows()).isZero();
      assertThat(table.next()).isFalse();
    }
  }

  @Test
  void idxFilesOfOtherShapesOrOfLabelsAreNotReadTogether() throws IOException {
    Path first = Files.write(folder.resolve("1-ubyte"), TestData.idx(2, HEIGHT, WIDTH));
    Path second = Files.write(folder.resolve("2-ubyte"), TestData.idx(2, WIDTH, HEIGHT));
    Path pattern = folder.resolve("*-ubyte");
    assertThatThrownBy(() -> DataSources.read(pattern, TableOptions.DEFAULT))
        .hasMessage(
            second
                + ": expected images of 4×2 with 1 channels, as "
                + first
                + " has, found images of 2×4 with 1 channels");
    Files.write(second, TestData.idx(0x801, 2, HEIGHT, WIDTH, 2));
    assertThatThrownBy(() -> DataSources.read(pattern, TableOptions.DEFAULT))
        .hasMessage(second + ": expected idx images (00000803 at offset 0), found 00000801");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "2,2,4; 2,4,2; images of 4×2 with 1 channels; images of 2×4 with 1 channels",
        "2,2,4; 2,8; images of 4×2 with 1 channels; rows of a table",
        "2,8; 2,2,4; rows of a table; images of 4×2 with 1 channels"
      })
  void arraysOfOtherShapesAreNotReadTogether(String one, String two, String expected, String found)
      throws IOException {
    Path first = write("c/1.npy", one, images(2, 1, false));
    Path second = write("c/2.npy", two, images(2, 1, false));
    assertThatThrownBy(() -> DataSources.read(folder.resolve("c"), TableOptions.DEFAULT))
        .hasMessage(
            "%s: expected %s, as %s has, found %s".formatted(second, expected, first, found));
  }

  @Test
  void anArrayOfRowsAndColumnsIsATable() throws IOException {
    Path file = write("a.npy", "2, 8", images(2, 1, false));
    assertThat(InputFiles.of(file).areImages()).isFalse();
    assertThat(DataSources.read(file, TableOptions.DEFAULT).imageShape()).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "8,; found (8,)",
        "2,2,2,2; found (2,2,2,2)",
        "2,1,2,4,1; found (2,1,2,4,1)",
        "2,3,2,3; found (2,3,2,3)",
        "'' ; found ()",
        "2,0,4; at least 1x1, found shape (2,0,4)",
        "2,9223372036854775807,3; found shape (2,9223372036854775807,3)",
        "2,2147483647,2147483647,3; found shape (2,2147483647,2147483647,3)",
        "3,2,4; expected 95 bytes for NPY shape (3,2,4) of |u1, found 87"
      })
  void otherShapesAreRefused(String shape, String found) throws IOException {
    Path file = write("a.npy", shape, images(2, 1, false));
    assertThatThrownBy(() -> DataSources.read(file, TableOptions.DEFAULT))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": expected ")
        .hasMessageContaining(found)
        .hasMessageNotContaining("\n");
    assertThatThrownBy(() -> InputFiles.of(file).areImages())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(found);
  }

  @ParameterizedTest
  @CsvSource({"<f4, False, 64, <f4", "|u1, True, 16, |u1 in Fortran order"})
  void imagesAreBytesInCOrder(String type, String fortran, int bytes, String found)
      throws IOException {
    Path file =
        TestData.write(
            folder, "a.npy", TestData.npy(header(type, fortran, "2,2,4"), new byte[bytes]));
    assertThatThrownBy(() -> DataSources.read(file, TableOptions.DEFAULT))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(file + ": expected an NPY array of images as u1 in C order, found " + found);
  }

  @Test
  void columnsCannotBeChosen() throws IOException {
    Path file = write("a.npy", "2,2,4", images(2, 1, false));
    for (TableOptions options :
        List.of(
            TableOptions.DEFAULT.withColumns(List.of("1")),
            TableOptions.DEFAULT.withIdColumn("1"))) {
      assertThatThrownBy(() -> DataSources.read(file, options))
          .hasMessage(file + ": expected no choice of columns for an array of images, found one");
    }
  }

  /** Of arrays and of idx files, read at once and row by row. */
  @Test
  void aModelTakesImagesOfItsHeightAndWidth() throws IOException {
    Path array = write("a.npy", "2,2,4", images(2, 1, false));
    Path idx = Files.write(folder.resolve("a-ubyte"), TestData.idx(2, 2, 4));
    for (Path file : List.of(array, idx)) {
      TableOptions turned = forModel(8, new Shape(1, 4, 2));
      String message = file + ": expected images of 2×4, as those of the model are, found 4×2";
      assertThatThrownBy(() -> DataSources.read(file, turned)).hasMessage(message);
      assertThatThrownBy(() -> TableReader.open(file, turned)).hasMessage(message);
      for (Shape image : new Shape[] {new Shape(1, 2, 4), null}) {
        assertThat(DataSources.read(file, forModel(8, image)).size()).isEqualTo(2);
      }
    }
    Path colour = write("b.npy", "2,2,4,3", images(2, 3, false));
    assertThatThrownBy(() -> TableReader.open(colour, forModel(24, null)))
        .hasMessage(
            colour + ": expected a table, as the model was trained on one, found images in colour");
  }

  private static TableOptions forModel(int dimension, @Nullable Shape image) {
    return TableOptions.DEFAULT.forModel(new ModelColumns(dimension, List.of(), null, image));
  }
}
