package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSourcesTest {
  @TempDir Path folder;

  private static DataSources real() {
    return DataSources.in(TestData.real("digits").getParent());
  }

  private static void hasSizes(Splits splits, int train, int validation, int test) {
    assertThat(List.of(splits.train().size(), splits.validation().size(), splits.test().size()))
        .containsExactly(train, validation, test);
  }

  @Test
  void mnistIsSplitAsPublished() {
    TestData.real("mnist/train-images-idx3-ubyte.gz");
    Splits mnist = real().load("mnist", 1);
    hasSizes(mnist, 50_000, 10_000, 10_000);
    assertThat(mnist.train().dimension()).isEqualTo(784);
    assertThat(mnist.train().levels()).isEqualTo(256);
    assertThat(mnist.train().imageShape()).isEqualTo(new Shape(1, 28, 28));
    assertThat(mnist.validation().row(0))
        .isNotEqualTo(mnist.train().row(0))
        .isNotEqualTo(mnist.test().row(0));
    double mean =
        IntStream.range(0, 10_000).mapToDouble(r -> Arrays.stream(mnist.test().row(r)).sum()).sum()
            / 7_840_000;
    assertThat(mean).isEqualTo(33.791, within(.001)); // known of the test images
  }

  @Test
  void partialKmnistIsAccepted() {
    TestData.real("kmnist/train-first7011-images-idx3-ubyte.gz");
    Splits kmnist = real().load("kmnist", 1);
    hasSizes(kmnist, 5843, 1168, 10_000);
  }

  @Test
  void digitsAreSplitBySeed() {
    TestData.real("digits/digits.csv.gz");
    Splits digits = real().load("digits", 3);
    hasSizes(digits, 1438, 179, 180);
    assertThat(digits.train().levels()).isEqualTo(17);
    assertThat(digits.train().dimension()).isEqualTo(64);
    assertThat(digits.train().sha256()).isEqualTo(new DigitsSource().file().sha256());
    assertThat(real().load("digits", 3).test().row(7)).containsExactly(digits.test().row(7));
    assertThat(real().load("digits", 4).test().row(7)).isNotEqualTo(digits.test().row(7));
  }

  @Test
  void generatedSetsHaveThreeSeeds() {
    Splits sine = DataSources.in(folder).load("sine", 1);
    hasSizes(sine, 50_000, 10_000, 10_000);
    assertThat(sine.train().row(0))
        .isNotEqualTo(sine.validation().row(0))
        .isNotEqualTo(sine.test().row(0));
    assertThat(sine.validation().row(0)).isNotEqualTo(sine.test().row(0));
    assertThat(DataSources.in(folder).load("sine", 1).test().row(5))
        .containsExactly(sine.test().row(5));
  }

  @Test
  void listsEverySetWithItsPresence() throws IOException {
    Files.createDirectory(folder.resolve("digits"));
    TestData.write(folder, "digits/digits.csv", "0,".repeat(64) + "3\n");
    List<DataSetInfo> list = DataSources.in(folder).list();
    assertThat(list)
        .extracting(DataSetInfo::name)
        .containsExactly(
            "mnist",
            "kmnist",
            "fashion-mnist",
            "cifar10",
            "stl10",
            "celeba",
            "digits",
            "sine",
            "swirl",
            "checkerboard",
            "gaussians",
            "multimodal10");
    assertThat(list)
        .filteredOn(DataSetInfo::present)
        .extracting(DataSetInfo::name)
        .containsExactly("digits", "sine", "swirl", "checkerboard", "gaussians", "multimodal10");
    assertThat(list).allSatisfy(info -> assertThat(info.licence()).isNotBlank());
    assertThat(DataSources.in(folder).fetch("sine")).isEmpty();
  }

  @Test
  void publishedFilesAreFetchedOverHttpsAndCheckedBySha256() {
    List<DataFile> files =
        List.of(
            IdxSource.mnist().trainFile(),
            IdxSource.mnist().testFile(),
            IdxSource.kmnist().trainFile(),
            IdxSource.kmnist().testFile(),
            IdxSource.fashionMnist().trainFile(),
            IdxSource.fashionMnist().testFile(),
            new Cifar10Source().archive(),
            new Stl10Source().archive(),
            new DigitsSource().file());
    assertThat(files)
        .allSatisfy(
            file -> {
              assertThat(file.uri()).hasScheme("https");
              assertThat(file.sha256()).matches("[0-9a-f]{64}");
            });
    assertThat(files).extracting(DataFile::sha256).doesNotHaveDuplicates();
  }

  @Test
  void imagesMayLieUncompressedAndOfAnotherNumber() throws IOException {
    Files.createDirectory(folder.resolve("fashion-mnist"));
    TestData.write(folder, "fashion-mnist/train-images-idx3-ubyte", TestData.idx(13, 28, 28));
    TestData.write(folder, "fashion-mnist/t10k-images-idx3-ubyte", TestData.idx(7, 28, 28));
    hasSizes(DataSources.in(folder).load("fashion-mnist", 1), 11, 2, 7);
    TestData.write(folder, "fashion-mnist/t10k-images-idx3-ubyte", TestData.idx(7, 14, 28));
    assertThatThrownBy(() -> DataSources.in(folder).load("fashion-mnist", 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected images of 28x28");
  }

  @Test
  void filesAreSplitBySeed() throws IOException {
    StringBuilder text = new StringBuilder("a,b\n");
    for (int r = 0; r < 50; r++) {
      text.append(r).append(',').append(-r).append('\n');
    }
    Path table = TestData.write(folder, "own.csv", text.toString());
    Splits splits =
        DataSources.in(folder)
            .load(table.toString(), TableOptions.DEFAULT.withColumns(List.of("b")), 1);
    hasSizes(splits, 40, 5, 5);
    assertThat(splits.train().columns()).containsExactly("b");
    Path images = TestData.write(folder, "own-ubyte", TestData.idx(10, 3, 4));
    assertThat(DataSources.in(folder).load(images.toString(), 1).train().imageShape())
        .isEqualTo(new Shape(1, 3, 4));
  }

  @Test
  void unknownNamesAndFoldersAreRefused() {
    DataSources sources = DataSources.in(folder);
    for (String name : new String[] {"mnits", "../mnist", "mnist/../digits", "a\0b"}) {
      assertThatThrownBy(() -> sources.load(name, 1))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContainingAll("expected a file or one of mnist, kmnist", "found neither");
      assertThatThrownBy(() -> sources.fetch(name)).isInstanceOf(InvalidInputException.class);
    }
    assertThatThrownBy(() -> sources.load(folder.toString(), 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(
            "expected a folder with tables (.csv, .npy, .parquet) or pictures (.png, .jpg, .jpeg), found none");
    assertThatThrownBy(
            () -> sources.load("mnist", TableOptions.DEFAULT.withColumns(List.of("a")), 1))
        .isInstanceOf(InvalidInputException.class);
    assertThatThrownBy(() -> sources.load("mnist", 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(
            "mnist/train-images-idx3-ubyte.gz: expected the file published as https://");
  }

  @Test
  void digitsOutsideTheirRangeAreRefused() throws IOException {
    Path file =
        TestData.write(folder, "digits.csv", "0,".repeat(64) + "3\n" + "17,".repeat(64) + "3\n");
    assertThatThrownBy(() -> DigitsSource.read(file))
        .hasMessageContainingAll("row 2", "expected pixels 0 to 16, found 17");
    Path narrow = TestData.write(folder, "narrow.csv", "1,2\n");
    assertThatThrownBy(() -> DigitsSource.read(narrow)).hasMessageContaining("found 2 columns");
  }
}
