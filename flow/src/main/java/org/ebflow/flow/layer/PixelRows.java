package org.ebflow.flow.layer;

import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;

/**
 * A worker's own copy of rows that are images, and the same numbers with a row for each pixel.
 *
 * @param rows [rows,pixels·channels]
 * @param pixels [rows·pixels,channels]
 */
record PixelRows(Matrix rows, Matrix pixels) {
  /** The one in that slot of the workspace's own matrices and objects. */
  static PixelRows of(Workspace kept, int slot, Shape image) {
    return kept.object(
        slot,
        () -> {
          Matrix rows = kept.own(slot, kept.rows(), image.size());
          int pixels = image.height() * image.width();
          return new PixelRows(rows, rows.reshape(kept.rows() * pixels, image.channels()));
        });
  }

  /**
   * The image's shape.
   *
   * @throws IllegalArgumentException if rows of shape {@code input} are other images
   */
  static Shape requireShape(Layer layer, Shape image, Shape input) {
    if (!image.equals(input)) {
      throw new IllegalArgumentException(layer + ": rows are " + input + ", expected " + image);
    }
    return image;
  }
}
