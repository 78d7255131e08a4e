package org.ebflow.training.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.ebflow.flow.layer.Shape;

/**
 * The idx format of the MNIST family, images only: 00 00 08 03, then count, height and width as
 * big-endian int32, then one unsigned byte a pixel.
 *
 * @see <a href="https://yann.lecun.com/exdb/mnist/">the description of the format</a>
 */
public final class IdxFile {
  private static final int IMAGES = 0x00000803;
  private static final int HEADER = 16;

  private IdxFile() {}

  /** Reads images from a plain or gzip-compressed file, 256 levels. */
  public static Dataset read(Path path) {
    InputFile file = InputFile.of(path);
    try (InputStream in = file.open()) {
      return read(file, in).withSha256(Sha256.of(file));
    } catch (IOException e) {
      throw file.failure(e);
    }
  }

  private static Dataset read(InputFile file, InputStream in) throws IOException {
    byte[] start = in.readNBytes(HEADER);
    if (start.length < HEADER) {
      throw file.invalid("expected an idx header of 16 bytes, found " + start.length);
    }
    ByteBuffer header = ByteBuffer.wrap(start);
    int magic = header.getInt();
    if (magic != IMAGES) {
      throw file.invalid("expected idx images (00000803 at offset 0), found %08x".formatted(magic));
    }
    int count = header.getInt();
    int height = header.getInt();
    int width = header.getInt();
    long length = length(file, count, height, width);
    byte[] pixels = in.readNBytes((int) length);
    if (pixels.length < length) {
      throw file.invalid(
          "expected "
              + (HEADER + length)
              + " bytes, found a truncated file of "
              + (HEADER + pixels.length));
    }
    if (in.read() >= 0) { // reading past the last pixel also makes gzip check its checksum
      throw file.invalid("expected the end at offset " + (HEADER + length) + ", found more data");
    }
    return Dataset.ofPixels(path(file), pixels, height * width, new Shape(1, height, width), 256);
  }

  private static String path(InputFile file) {
    return String.valueOf(file.path().getFileName());
  }

  /** Bytes of all pixels, refusing what cannot be before it is allocated. */
  private static long length(InputFile file, int count, int height, int width) {
    String sizes =
        "%d images of %dx%d"
            .formatted(
                Integer.toUnsignedLong(count),
                Integer.toUnsignedLong(height),
                Integer.toUnsignedLong(width));
    if (count < 1
        || height < 1
        || width < 1
        || (long) height * width > Integer.MAX_VALUE - 8
        || (long) height * width * count < 0
        || (long) height * width * count > Integer.MAX_VALUE - 8) {
      throw file.invalid(
          "expected images of at most 2 GiB in all, found " + sizes + " at offset 4");
    }
    long length = (long) height * width * count;
    if (length > file.contentLimit()) {
      throw file.invalid(
          "expected "
              + (HEADER + length)
              + " bytes for "
              + sizes
              + ", found a file too short for it");
    }
    return length;
  }
}
