package org.ebflow.training.data;

import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of pictures.
 *
 * @param side of the square that the largest centred square of a picture is resized to; 0: pictures
 *     keep their own size, which must be one for all
 * @param channels 1 for grey, 3 for colour; 0: colour if any picture has it
 */
public record PictureOptions(int side, int channels) {
  /** Pictures in their own size, in colour if any has it. */
  public static final PictureOptions DEFAULT = new PictureOptions(0, 0);

  private static final int MOST = 4096;

  /** Refuses impossible values. */
  public PictureOptions {
    if (side < 0 || side > MOST) {
      throw new IllegalArgumentException(
          "image_side is " + side + ", expected 1 to " + MOST + ", or 0 for the pictures' own");
    }
    if (channels != 0 && channels != 1 && channels != 3) {
      throw new IllegalArgumentException("channels is " + channels + ", expected 0, 1 or 3");
    }
  }

  /** Those that make pictures of that shape; of a shape that is no square, of that size only. */
  public static PictureOptions like(@Nullable Shape shape) {
    return shape == null
        ? DEFAULT
        : new PictureOptions(
            shape.height() == shape.width() ? shape.height() : 0, shape.channels());
  }

  /** The same where channels are left open, else with so many. */
  PictureOptions withChannels(int changed) {
    return new PictureOptions(side, changed);
  }
}
