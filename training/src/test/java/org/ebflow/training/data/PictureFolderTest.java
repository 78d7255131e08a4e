package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.CacheFolder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PictureFolderTest {
  private static final TableOptions OWN_SIZE = TableOptions.DEFAULT;

  @TempDir Path folder;

  private void grey(String name, int value) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, Pictures.png(Pictures.grey(BufferedImage.TYPE_BYTE_GRAY, value)));
  }

  private void colour(String name) throws IOException {
    Files.write(folder.resolve(name), Pictures.png(Pictures.colour()));
  }

  private static TableOptions side(int side) {
    return TableOptions.DEFAULT.withPictures(new PictureOptions(side, 0));
  }

  private List<Path> caches() throws IOException {
    try (Stream<Path> files = Files.list(CacheFolder.writable("pictures"))) {
      return files
          .filter(file -> file.getFileName().toString().contains(folder.getFileName() + "-"))
          .toList();
    }
  }

  @Test
  void rowsAreInTheOrderOfThePathsWithThoseBelow() throws IOException {
    grey("b.png", 2);
    grey("a/z.PNG", 1);
    grey("c/d/e.png", 3);
    grey(".hidden.png", 9);
    grey(".thumbs/f.png", 9);
    Files.writeString(folder.resolve("readme.txt"), "no picture");
    Files.write(
        folder.resolve("d.jpeg"), Pictures.jpeg(Pictures.grey(BufferedImage.TYPE_BYTE_GRAY, 4)));

    Dataset rows = DataSources.read(folder, OWN_SIZE);

    assertThat(rows.size()).isEqualTo(4);
    assertThat(rows.imageShape()).isEqualTo(new Shape(1, 10, 20));
    assertThat(rows.levels()).isEqualTo(256);
    for (int r = 0; r < 4; r++) {
      assertThat(rows.row(r)).containsOnly(r + 1);
    }
  }

  @Test
  void colourOfOneMakesAllOfThreeChannels() throws IOException {
    grey("a.png", 7);
    colour("b.png");

    Dataset rows = DataSources.read(folder, side(10));

    assertThat(rows.imageShape()).isEqualTo(new Shape(3, 10, 10));
    assertThat(rows.row(0)).containsOnly(7);
    assertThat(rows.row(1)).startsWith(50, 0, 100, 60, 0, 100);
  }

  @Test
  void thePicturesOfAModelHaveItsChannels() throws IOException {
    grey("a.png", 7);
    TableOptions three = TableOptions.DEFAULT.withPictures(new PictureOptions(4, 3));
    assertThat(DataSources.read(folder, three).imageShape()).isEqualTo(new Shape(3, 4, 4));

    colour("b.png");
    TableOptions one = TableOptions.DEFAULT.withPictures(new PictureOptions(4, 1));
    assertThatThrownBy(() -> DataSources.read(folder, one))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            folder.resolve("b.png")
                + ": expected a grey picture, as those of the model are, found colour");
  }

  @Test
  void sizesThatDifferAreRefusedUnlessResized() throws IOException {
    grey("a.png", 7);
    Files.write(
        folder.resolve("b.png"),
        Pictures.png(new BufferedImage(5, 6, BufferedImage.TYPE_BYTE_GRAY)));

    assertThatThrownBy(() -> DataSources.read(folder, OWN_SIZE))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(folder.resolve("b.png") + ": expected a picture of 20×10")
        .hasMessageContaining("found 5×6 (--set data.image_side=64");
    assertThat(DataSources.read(folder, side(4)).size()).isEqualTo(2);
  }

  @Test
  void theFirstBadPictureIsNamedAndNothingIsLeft() throws IOException {
    for (int i = 0; i < 100; i++) {
      grey("%03d.png".formatted(i), i);
    }
    Files.writeString(folder.resolve("070.png"), "text");
    Files.writeString(folder.resolve("090.png"), "text");

    assertThatThrownBy(() -> DataSources.read(folder, OWN_SIZE))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            folder.resolve("070.png") + ": expected a PNG or JPEG picture, found other data");
    assertThat(caches()).isEmpty();
  }

  @Test
  void allOfManyPicturesAreRead() throws IOException {
    for (int i = 0; i < 150; i++) { // more than two blocks
      grey("%03d.png".formatted(i), i);
    }

    Dataset rows = DataSources.read(folder, OWN_SIZE);

    assertThat(rows.size()).isEqualTo(150);
    for (int r = 0; r < 150; r++) {
      assertThat(rows.row(r)).containsOnly(r);
    }
  }

  /** One at a time, two at a time, and all: a damaged one is a bad row of its own. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1500, 1_000_000})
  void asATableTheyAreReadInBlocksOfThatManyBytes(long bytes) throws IOException {
    for (int i = 0; i < 7; i++) {
      grey(i + ".png", 10 * i);
    }
    Files.writeString(folder.resolve("3.png"), "no picture");

    try (TableReader table = PictureTable.open(PictureFolder.of(folder, bytes), OWN_SIZE)) {
      for (int i = 0; i < 7; i++) {
        assertThat(table.next()).isTrue();
        assertThat(table.id()).isEqualTo(i + ".png");
        if (i == 3) {
          assertThat(table.problem()).contains("found other data");
        } else {
          assertThat(table.problem()).isNull();
          assertThat(table.values()).containsOnly(10 * i);
        }
      }
      assertThat(table.next()).isFalse();
    }
  }

  /** While it is decoded a picture takes 2200 bytes, its file about 70. */
  @ParameterizedTest
  @CsvSource({"0, 1", "4400, 1", "4700, 2", "1000000, 7"})
  void asManyAreDecodedTogetherAsTheirBytesAllow(long bytes, int expected) throws IOException {
    for (int i = 0; i < 7; i++) {
      grey(i + ".png", 10 * i);
    }
    PictureFolder pictures = PictureFolder.of(folder, bytes);

    assertThat(pictures.block(0)).hasSize(expected);
    assertThat(pictures.block(6)).hasSize(1);
    Dataset rows = pictures.read(PictureOptions.DEFAULT);
    assertThat(rows.size()).isEqualTo(7);
    for (int i = 0; i < 7; i++) {
      assertThat(rows.row(i)).containsOnly(10 * i);
    }
  }

  @Test
  void pixelsAreToldByTheHeader() throws IOException {
    grey("a.png", 1);
    Files.writeString(folder.resolve("b.png"), "no picture");

    assertThat(PictureFile.pixels(folder.resolve("a.png"))).isEqualTo(200);
    assertThat(PictureFile.pixels(folder.resolve("b.png"))).isZero();
    assertThat(PictureFile.pixels(folder.resolve("none.png"))).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nowhere.png", "c.png"})
  void aLinkThatLeadsNowhereIsRefused(String target) throws IOException {
    grey("b.png", 1);
    Path link = Files.createSymbolicLink(folder.resolve("c.png"), Path.of(target));

    assertThatThrownBy(() -> DataSources.read(folder, OWN_SIZE))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(link + ": expected a picture, found a link that leads to none");
  }

  @Test
  void aLinkToAFolderAboveIsRefused() throws IOException {
    grey("b.png", 1);
    Path link = Files.createSymbolicLink(folder.resolve("up"), folder);

    assertThatThrownBy(() -> DataSources.read(folder, OWN_SIZE))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(link + ": expected a folder of pictures, found a link to a folder above it");
  }

  @Test
  void theFirstPictureTellsTheLeastShape() throws IOException {
    DataSources sources = DataSources.in(null);
    colour("b.png");
    assertThat(sources.leastShape(folder.toString(), OWN_SIZE)).contains(new Shape(3, 10, 20));
    assertThat(sources.leastShape(folder.toString(), side(4))).contains(new Shape(3, 4, 4));

    grey("a.png", 7);
    assertThat(sources.leastShape(folder.toString(), OWN_SIZE)).contains(new Shape(1, 10, 20));
  }

  @Test
  void noPicturesAreRefused() {
    assertThatThrownBy(() -> DataSources.read(folder, OWN_SIZE))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            folder
                + ": expected a folder with tables (.csv, .npy, .parquet) or pictures (.png, .jpg, .jpeg), found none");
  }

  @Test
  void choiceOfColumnsIsRefused() throws IOException {
    grey("a.png", 7);
    assertThatThrownBy(() -> DataSources.read(folder, OWN_SIZE.withColumns(List.of("a"))))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected no choice of columns");
  }

  @Test
  void aFileIsNotResized() throws IOException {
    Path table = Files.writeString(folder.resolve("t.csv"), "1,2\n3,4\n");
    assertThatThrownBy(() -> DataSources.read(table, side(8)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("data.image_side");
  }

  @Test
  void theCacheIsReadAgainUntilThePicturesChange() throws IOException {
    grey("a.png", 1);
    grey("b.png", 2);
    Dataset first = DataSources.read(folder, OWN_SIZE);
    List<Path> cache = caches();
    Dataset again = DataSources.read(folder, OWN_SIZE);

    assertThat(cache).hasSize(1);
    assertThat(caches()).isEqualTo(cache);
    assertThat(again.sha256()).isEqualTo(first.sha256()).hasSize(64);
    assertThat(again.row(1)).isEqualTo(first.row(1));

    Files.write(folder.resolve("c.png"), Files.readAllBytes(folder.resolve("a.png")));
    Dataset changed = DataSources.read(folder, OWN_SIZE);

    assertThat(changed.size()).isEqualTo(3);
    assertThat(changed.sha256()).isNotEqualTo(first.sha256());
    assertThat(caches()).hasSize(1).isNotEqualTo(cache);
    assertThat(first.row(1)).containsOnly(2); // what is mapped stays
  }

  @Test
  void theHashIsThatOfThePixelsWhereverTheyLie() throws IOException {
    grey("x/a.png", 1);
    grey("y/other.png", 1);

    assertThat(DataSources.read(folder.resolve("x"), OWN_SIZE).sha256())
        .isEqualTo(DataSources.read(folder.resolve("y"), OWN_SIZE).sha256());
  }

  @Test
  void aDamagedCacheIsWrittenAnew() throws IOException {
    grey("a.png", 5);
    DataSources.read(folder, OWN_SIZE);
    byte[] cache = Files.readAllBytes(caches().getFirst());
    Files.write(caches().getFirst(), java.util.Arrays.copyOf(cache, cache.length - 1));

    assertThat(DataSources.read(folder, OWN_SIZE).row(0)).containsOnly(5);
  }

  @Test
  void theCacheIsAnNpyFileOfTheRows() throws IOException {
    grey("a.png", 5);
    colour("b.png");
    Dataset rows = DataSources.read(folder, side(10));

    Dataset table = DataSources.read(caches().getFirst(), TableOptions.DEFAULT);

    assertThat(table.size()).isEqualTo(2);
    assertThat(table.row(1)).isEqualTo(rows.row(1));
  }

  /** Pictures of 20×10 have as many pixels as those of 10×20. */
  @Test
  void partsOfTheirOwnHaveTheShapeOfTheTrainingPictures() throws IOException {
    for (int i = 0; i < 20; i++) {
      grey("train/%d.png".formatted(i), i);
    }
    Path turned = Files.createDirectory(folder.resolve("turned"));
    Files.write(
        turned.resolve("a.png"),
        Pictures.png(new BufferedImage(10, 20, BufferedImage.TYPE_BYTE_GRAY)));
    assertThatThrownBy(
            () ->
                DataSources.in(null)
                    .load(
                        folder.resolve("train").toString(),
                        OWN_SIZE,
                        new SplitOptions(.8, .1, .1, null, turned),
                        1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(turned + ": expected images of 20×10, as those of the model are, found 10×20");
  }

  @Test
  void partsOfTheirOwnAreFoldersToo() throws IOException {
    for (int i = 0; i < 20; i++) {
      grey("train/%d.png".formatted(i), i);
      grey("val/%d.png".formatted(i), 100 + i);
    }
    Splits splits =
        DataSources.in(null)
            .load(
                folder.resolve("train").toString(),
                side(4),
                new SplitOptions(.8, .1, .1, folder.resolve("val"), null),
                1);

    assertThat(splits.validation().size()).isEqualTo(20);
    assertThat(splits.validation().row(3)).containsOnly(111); // 0, 1, 10, 11, …: by name
    assertThat(splits.validation().imageShape()).isEqualTo(splits.train().imageShape());
  }
}
