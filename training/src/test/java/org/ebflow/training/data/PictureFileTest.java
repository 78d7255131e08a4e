package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.Color;
import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PictureFileTest {
  @TempDir Path folder;

  private Path file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private Picture read(byte[] bytes) throws IOException {
    return PictureFile.read(file("picture", bytes));
  }

  private static int[] pixel(Picture picture, int x, int y) {
    int at = (y * picture.width() + x) * 3;
    return new int[] {
      picture.rgb()[at] & 0xFF, picture.rgb()[at + 1] & 0xFF, picture.rgb()[at + 2] & 0xFF
    };
  }

  @Test
  void pngHasTheValuesThatWereWritten() throws IOException {
    Picture picture = read(Pictures.png(Pictures.colour()));

    assertThat(picture.width()).isEqualTo(Pictures.WIDTH);
    assertThat(picture.height()).isEqualTo(Pictures.HEIGHT);
    assertThat(pixel(picture, 7, 2)).containsExactly(70, 40, 100);
    assertThat(pixel(picture, 19, 9)).containsExactly(190, 180, 100);
  }

  @Test
  void jpegHasAboutTheValuesThatWereWritten() throws IOException {
    int[] pixel = pixel(read(Pictures.jpeg(Pictures.colour())), 7, 2);

    assertThat(pixel[0]).isCloseTo(70, within(6));
    assertThat(pixel[1]).isCloseTo(40, within(6));
    assertThat(pixel[2]).isCloseTo(100, within(6));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 72, 200, 255})
  void greyKeepsItsValueInEightAndSixteenBits(int value) throws IOException {
    byte[] eight = Pictures.png(Pictures.grey(BufferedImage.TYPE_BYTE_GRAY, value));
    byte[] sixteen = Pictures.png(Pictures.grey(BufferedImage.TYPE_USHORT_GRAY, value * 257));

    assertThat(pixel(read(eight), 3, 3)).containsExactly(value, value, value);
    assertThat(pixel(read(sixteen), 3, 3)).containsExactly(value, value, value);
    assertThat(read(eight).hasColour()).isFalse();
  }

  @Test
  void greyJpegIsNotMadeLighter() throws IOException {
    byte[] bytes = Pictures.jpeg(Pictures.grey(BufferedImage.TYPE_BYTE_GRAY, 72));

    assertThat(pixel(read(bytes), 3, 3)).containsExactly(72, 72, 72);
  }

  @Test
  void sixteenBitsOfColourAreRounded() throws IOException {
    ColorModel model =
        new ComponentColorModel(
            ColorSpace.getInstance(ColorSpace.CS_sRGB),
            new int[] {16, 16, 16},
            false,
            false,
            Transparency.OPAQUE,
            DataBuffer.TYPE_USHORT);
    WritableRaster raster = model.createCompatibleWritableRaster(2, 1);
    raster.setPixel(0, 0, new int[] {65535, 32768, 0});
    raster.setPixel(1, 0, new int[] {128, 129, 257});

    Picture picture = read(Pictures.png(new BufferedImage(model, raster, false, null)));

    assertThat(pixel(picture, 0, 0)).containsExactly(255, 128, 0);
    assertThat(pixel(picture, 1, 0)).containsExactly(0, 1, 1);
  }

  @Test
  void paletteIsLookedUp() throws IOException {
    BufferedImage image = new BufferedImage(4, 4, BufferedImage.TYPE_BYTE_INDEXED);
    image.setRGB(1, 2, Color.RED.getRGB());

    assertThat(pixel(read(Pictures.png(image)), 1, 2)).containsExactly(255, 0, 0);
  }

  @Test
  void transparentColoursOfAPaletteAreLaidOverWhite() throws IOException {
    byte[] none = new byte[3];
    byte[] red = {(byte) 255, (byte) 255, (byte) 255};
    byte[] alpha = {(byte) 255, 0, 51};
    IndexColorModel palette = new IndexColorModel(2, 3, red, none, none, alpha);
    BufferedImage image = new BufferedImage(3, 1, BufferedImage.TYPE_BYTE_BINARY, palette);
    for (int x = 0; x < 3; x++) {
      image.getRaster().setSample(x, 0, 0, x);
    }

    Picture picture = read(Pictures.png(image));

    assertThat(pixel(picture, 0, 0)).containsExactly(255, 0, 0);
    assertThat(pixel(picture, 1, 0)).containsExactly(255, 255, 255);
    assertThat(pixel(picture, 2, 0)).containsExactly(255, 204, 204);
  }

  @Test
  void transparentPartsAreLaidOverWhite() throws IOException {
    BufferedImage image = new BufferedImage(4, 1, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(0, 0, 0xFF102030);
    image.setRGB(1, 0, 0x00102030);
    image.setRGB(2, 0, 0x80000000);
    image.setRGB(3, 0, 100 << 24 | 10 << 16);

    Picture picture = read(Pictures.png(image));

    assertThat(pixel(picture, 0, 0)).containsExactly(0x10, 0x20, 0x30);
    assertThat(pixel(picture, 1, 0)).containsExactly(255, 255, 255);
    assertThat(pixel(picture, 2, 0)).containsExactly(127, 127, 127);
    assertThat(pixel(picture, 3, 0)).containsExactly(159, 155, 155); // 158.9 is rounded
  }

  @Test
  void cmykIsConverted() throws IOException {
    assertThat(pixel(read(Pictures.cmyk(255, 0, 0, 255)), 5, 5)).containsExactly(255, 0, 0);
    assertThat(pixel(read(Pictures.cmyk(0, 255, 255, 255)), 5, 5)).containsExactly(0, 255, 255);
    assertThat(pixel(read(Pictures.cmyk(255, 255, 255, 128)), 5, 5)).containsExactly(128, 128, 128);
  }

  @Test
  void theContentCountsNotTheName() throws IOException {
    Path file = file("a.jpg", Pictures.png(Pictures.colour()));

    assertThat(pixel(PictureFile.read(file), 7, 2)).containsExactly(70, 40, 100);
  }

  private void assertRefused(byte[] bytes, String complaint) throws IOException {
    Path file = file("bad", bytes);
    assertThatThrownBy(() -> PictureFile.read(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": expected ")
        .hasMessageContaining(complaint)
        .hasMessageNotContaining("\n");
  }

  @Test
  void otherDataAreRefused() throws IOException {
    assertRefused("hello".getBytes(StandardCharsets.UTF_8), "PNG or JPEG picture, found other");
    assertRefused(new byte[0], "found an empty file");
  }

  @Test
  void truncatedPngIsRefusedWhereverItEnds() throws IOException {
    byte[] whole = Pictures.png(Pictures.colour());
    for (int length = 8; length < whole.length; length++) {
      assertRefused(Arrays.copyOf(whole, length), "truncated");
    }
  }

  @Test
  void truncatedJpegIsRefused() throws IOException {
    byte[] whole = Pictures.jpeg(Pictures.colour());
    for (int length = 20; length < whole.length - 8; length++) {
      assertRefused(Arrays.copyOf(whole, length), "a whole JPEG picture, found damage");
    }
  }

  @Test
  void changedBitOfPngIsRefused() throws IOException {
    byte[] whole = Pictures.png(Pictures.colour());
    for (int at = 8; at < whole.length; at++) { // the lengths, names and checksums of chunks too
      byte[] changed = whole.clone();
      changed[at] ^= 1;
      Path file = file("bad", changed);
      assertThatThrownBy(() -> PictureFile.read(file)).isInstanceOf(InvalidInputException.class);
    }
  }

  @Test
  void sizesBeyondReasonAreRefusedBeforeAnythingIsAllocated() throws IOException {
    byte[] png = Pictures.png(Pictures.colour());
    ByteBuffer header = ByteBuffer.wrap(png).putInt(16, 100_000).putInt(20, 100_000);
    CRC32 crc = new CRC32();
    crc.update(png, 12, 17);
    header.putInt(29, (int) crc.getValue());
    assertRefused(png, "found 100000×100000");

    byte[] jpeg = Pictures.jpeg(Pictures.colour());
    int frame = 0;
    while (jpeg[frame] != (byte) 0xFF || jpeg[frame + 1] != (byte) 0xC0) {
      frame++;
    }
    ByteBuffer.wrap(jpeg).putInt(frame + 5, -1);
    assertRefused(jpeg, "found 65535×65535");
  }

  @Test
  void theSquareIsTheCentreAndKeepsItsMean() throws IOException {
    Picture picture = read(Pictures.png(Pictures.colour()));

    Picture same = picture.square(10); // no resizing: columns 5 to 14
    Picture half = picture.square(5);

    assertThat(pixel(same, 0, 3)).containsExactly(50, 60, 100);
    assertThat(pixel(same, 9, 3)).containsExactly(140, 60, 100);
    // a linear gradient stays one: the mean of two neighbours, by symmetric weights
    assertThat(pixel(half, 2, 2)).containsExactly(95, 90, 100);
    assertThat(pixel(half, 1, 2)).containsExactly(75, 90, 100);
  }

  @Test
  void theSquareOfATallPictureIsItsCentreToo() {
    byte[] rgb = new byte[6 * 10 * 3];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (20 * (i / 18)); // 20 times the row
    }
    Picture picture = new Picture(10, 6, rgb);

    assertThat(pixel(picture.square(6), 0, 0)).containsExactly(40, 40, 40); // rows 2 to 7
    assertThat(pixel(picture.square(6), 5, 5)).containsExactly(140, 140, 140);
    assertThat(pixel(picture.square(3), 1, 1)).containsExactly(90, 90, 90); // of rows 4 and 5
  }

  @Test
  void aChannelThatDiffersIsColour() {
    byte[] grey = {1, 1, 1, 7, 7, 7};
    assertThat(new Picture(1, 2, grey).hasColour()).isFalse();
    for (int i = 0; i < grey.length; i++) {
      byte[] changed = grey.clone();
      changed[i]++;
      assertThat(new Picture(1, 2, changed).hasColour()).isTrue();
    }
  }

  @Test
  void aConstantStaysOneAtEverySide() throws IOException {
    Picture picture = read(Pictures.png(Pictures.grey(BufferedImage.TYPE_BYTE_GRAY, 255)));
    for (int side = 1; side < 40; side++) {
      Picture square = picture.square(side);
      byte[] white = new byte[side * side * 3];
      Arrays.fill(white, (byte) 255);
      assertThat(square.rgb()).isEqualTo(white);
    }
  }
}
