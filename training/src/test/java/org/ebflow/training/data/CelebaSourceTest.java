package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CelebaSourceTest {
  private static final TableOptions SIDE_8 =
      TableOptions.DEFAULT.withPictures(new PictureOptions(8, 0));

  @TempDir Path folder;

  @Test
  void fewerPicturesThanPublishedAreSplitByTheSeedInColour() throws IOException {
    Path place = Files.createDirectories(folder.resolve("celeba/img_align_celeba"));
    for (int i = 0; i < 20; i++) {
      BufferedImage grey = Pictures.grey(BufferedImage.TYPE_BYTE_GRAY, 10 * i);
      Files.write(place.resolve("%06d.jpg".formatted(i + 1)), Pictures.jpeg(grey));
    }

    DataSources sources = DataSources.in(folder);
    Splits splits = sources.load("celeba", SIDE_8, 1);

    assertThat(splits.train().size()).isEqualTo(16);
    assertThat(splits.validation().size()).isEqualTo(2);
    assertThat(splits.test().size()).isEqualTo(2);
    assertThat(splits.train().name()).isEqualTo("celeba");
    assertThat(splits.train().imageShape()).isEqualTo(new Shape(3, 8, 8));
    assertThat(sources.leastShape("celeba", SIDE_8)).contains(new Shape(3, 8, 8));
    assertThat(sources.info("celeba").present()).isTrue();
  }

  @Test
  void whereToGetThePicturesIsSaidWithoutThem() {
    assertThatThrownBy(() -> DataSources.in(folder).load("celeba", SIDE_8, 1))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith("celeba: expected the pictures in celeba/img_align_celeba")
        .hasMessageContaining("img_align_celeba.zip");
  }
}
