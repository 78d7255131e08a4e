package org.ebflow.cli.plot;

import java.awt.image.BufferedImage;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Matrix;

/** Images side by side in a near-square grid, with thin borders. */
final class ImageGrid {
  private static final int BORDER = 4;
  private static final int SMALLEST_TILE = 84;

  private ImageGrid() {}

  /**
   * Draws every row of {@code images}.
   *
   * @param images [count,channels·height·width], values 0 … levels-1, read
   */
  static BufferedImage of(Matrix images, Shape shape, int levels) {
    int scale = Math.max(1, Math.ceilDiv(SMALLEST_TILE, Math.max(shape.height(), shape.width())));
    int across = (int) Math.ceil(Math.sqrt(images.rows()));
    int down = Math.ceilDiv(images.rows(), across);
    int tileWidth = shape.width() * scale + BORDER;
    int tileHeight = shape.height() * scale + BORDER;
    BufferedImage picture = Picture.blank(across * tileWidth + BORDER, down * tileHeight + BORDER);
    for (int i = 0; i < images.rows(); i++) {
      tile(
          picture,
          BORDER + i % across * tileWidth,
          BORDER + i / across * tileHeight,
          images,
          i,
          shape,
          levels,
          scale);
    }
    return picture;
  }

  private static void tile(
      BufferedImage picture,
      int left,
      int top,
      Matrix images,
      int row,
      Shape shape,
      int levels,
      int scale) {
    for (int y = 0; y < shape.height() * scale; y++) {
      for (int x = 0; x < shape.width() * scale; x++) {
        int pixel = y / scale * shape.width() + x / scale;
        picture.setRGB(left + x, top + y, rgb(images, row, pixel, shape, levels));
      }
    }
  }

  private static int rgb(Matrix images, int row, int pixel, Shape shape, int levels) {
    int at = pixel * shape.channels();
    boolean colour = shape.channels() >= 3;
    int red = shade(images.get(row, at), levels);
    int green = colour ? shade(images.get(row, at + 1), levels) : red;
    int blue = colour ? shade(images.get(row, at + 2), levels) : red;
    return red << 16 | green << 8 | blue;
  }

  private static int shade(double value, int levels) {
    return Math.clamp(Math.round(value * 255 / (levels - 1)), 0, 255);
  }
}
