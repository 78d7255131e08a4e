package org.ebflow.training;

import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;

/**
 * Random horizontal flips and shifts of training images.
 *
 * <p>An image is flipped with probability ½. Then it is shifted down and to the right by whole
 * numbers of pixels, each uniform on -m … m where m is 4 % of the height or of the width, rounded
 * down: 1 for 32 pixels. What the shift uncovers repeats the border. The draws of a row are a
 * function of (seed, step, row).
 *
 * <p>Allocates nothing after construction. Threading: one thread at a time.
 */
final class Augmentation {
  private static final double LARGEST_SHIFT = .04;
  private static final int FLIP = 0;
  private static final int DOWN = 1;
  private static final int RIGHT = 2;

  private final Shape shape;
  private final int mostDown;
  private final int mostRight;

  /** Per row: numbers uniform on [0,1) for the flip and for the shifts down and to the right. */
  private final Matrix draws;

  /** An image before it is changed. */
  private final Matrix original;

  /**
   * For blocks of rows of one size.
   *
   * @param shape of the images
   * @param precision of the rows
   * @param rows of a block
   */
  Augmentation(Shape shape, Precision precision, int rows) {
    this.shape = shape;
    mostDown = (int) (LARGEST_SHIFT * shape.height());
    mostRight = (int) (LARGEST_SHIFT * shape.width());
    draws = Matrix.allocate(Precision.FLOAT64, rows, 3);
    original = Matrix.allocate(precision, 1, shape.size());
  }

  /**
   * The shape of the images.
   *
   * @throws InvalidInputException if the rows are no images
   */
  static Shape shapeOf(Dataset images) {
    Shape shape = images.imageShape();
    if (shape == null) {
      throw new InvalidInputException(
          images.name()
              + ": data.augment needs images, expected height and width, found rows of "
              + images.dimension()
              + " columns");
    }
    return shape;
  }

  /**
   * Changes every row as drawn for it.
   *
   * @param firstRow number of the block's first row in the batch
   * @param images [rows,dimension], modified
   */
  void apply(Noise noise, long step, int firstRow, Matrix images) {
    noise.uniform(NoisePurpose.AUGMENTATION, step, firstRow, draws);
    for (int r = 0; r < draws.rows(); r++) {
      transform(
          images,
          r,
          draws.get(r, FLIP) < .5,
          shift(draws.get(r, DOWN), mostDown),
          shift(draws.get(r, RIGHT), mostRight));
    }
  }

  /** A whole number uniform on -most … most. */
  private static int shift(double uniform, int most) {
    return (int) (uniform * (2 * most + 1)) - most;
  }

  /**
   * Flips and shifts one row.
   *
   * @param images modified in that row only
   */
  void transform(Matrix images, int row, boolean flip, int down, int right) {
    Object target = values(images);
    Object source = values(original);
    int to = images.offset() + row * images.stride();
    System.arraycopy(target, to, source, original.offset(), shape.size());
    int channels = shape.channels();
    int lastRow = shape.height() - 1;
    int lastColumn = shape.width() - 1;
    for (int y = 0; y <= lastRow; y++) {
      int line = original.offset() + Math.clamp(y - down, 0, lastRow) * shape.width() * channels;
      for (int x = 0; x <= lastColumn; x++) {
        int from = Math.clamp(x - right, 0, lastColumn);
        System.arraycopy(
            source,
            line + (flip ? lastColumn - from : from) * channels,
            target,
            to + (y * shape.width() + x) * channels,
            channels);
      }
    }
  }

  private static Object values(Matrix matrix) {
    return matrix.precision() == Precision.FLOAT32 ? matrix.floats() : matrix.doubles();
  }
}
