package org.ebflow.training.data;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;

/** Picture files made up. */
final class Pictures {
  static final int WIDTH = 20;
  static final int HEIGHT = 10;

  private Pictures() {}

  /** Red of a pixel of {@link #colour}. */
  static int red(int x) {
    return 10 * x;
  }

  /** Green of a pixel of {@link #colour}; its blue is 100. */
  static int green(int y) {
    return 20 * y;
  }

  /** A gradient in colour. */
  static BufferedImage colour() {
    BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        image.setRGB(x, y, red(x) << 16 | green(y) << 8 | 100);
      }
    }
    return image;
  }

  /** A picture of one value, of a type of {@link BufferedImage} with one band. */
  static BufferedImage grey(int type, int value) {
    BufferedImage image = new BufferedImage(WIDTH, HEIGHT, type);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        image.getRaster().setSample(x, y, 0, value);
      }
    }
    return image;
  }

  static byte[] png(BufferedImage image) {
    return written(image, "png");
  }

  static byte[] jpeg(BufferedImage image) {
    return written(image, "jpeg");
  }

  private static byte[] written(BufferedImage image, String format) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, format, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** A JPEG of one colour as Adobe writes it: 255 is no ink. */
  static byte[] cmyk(int... pixel) throws IOException {
    WritableRaster raster = Raster.createInterleavedRaster(0, WIDTH, HEIGHT, 4, null);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        raster.setPixel(x, y, pixel);
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.write(null, new IIOImage(raster, null, null), null);
    }
    byte[] plain = bytes.toByteArray();
    byte[] adobe = {
      (byte) 0xFF, (byte) 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0
    };
    ByteArrayOutputStream marked = new ByteArrayOutputStream();
    marked.write(plain, 0, 2);
    marked.write(adobe);
    marked.write(plain, 2, plain.length - 2);
    return marked.toByteArray();
  }
}
