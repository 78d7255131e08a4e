package org.ebflow.training.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Locale;
import org.ebflow.flow.InvalidInputException;
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
    Header header = Header.read(file, in);
    if (header.count == 0) {
      throw file.invalid("expected images, found none");
    }
    byte[] pixels = in.readNBytes((int) header.length());
    if (pixels.length < header.length()) {
      throw header.truncated(file, pixels.length);
    }
    header.requireEnd(file, in);
    return Dataset.ofPixels(path(file), pixels, header.size(), header.shape(), 256);
  }

  /** Sizes that a file begins with, and that it can have; it may have no image. */
  record Header(int count, int height, int width) {
    static Header read(InputFile file, InputStream in) throws IOException {
      byte[] start = in.readNBytes(HEADER);
      if (start.length < HEADER) {
        throw file.invalid("expected an idx header of 16 bytes, found " + start.length);
      }
      ByteBuffer header = ByteBuffer.wrap(start);
      int magic = header.getInt();
      if (magic != IMAGES) {
        throw file.invalid(
            String.format(
                Locale.ROOT, "expected idx images (00000803 at offset 0), found %08x", magic));
      }
      Header sizes = new Header(header.getInt(), header.getInt(), header.getInt());
      sizes.check(file);
      return sizes;
    }

    /** Pixels of an image. */
    int size() {
      return height * width;
    }

    /** Of an image. */
    Shape shape() {
      return new Shape(1, height, width);
    }

    /** Bytes of all pixels. */
    long length() {
      return (long) height * width * count;
    }

    /** The exception for a file of so many pixels. */
    InvalidInputException truncated(InputFile file, long pixels) {
      return file.invalid(
          "expected "
              + (HEADER + length())
              + " bytes, found a truncated file of "
              + (HEADER + pixels));
    }

    /** Reading past the last pixel also makes gzip check its checksum. */
    void requireEnd(InputFile file, InputStream in) throws IOException {
      if (in.read() >= 0) {
        throw file.invalid(
            "expected the end at offset " + (HEADER + length()) + ", found more data");
      }
    }

    /** Refuses what cannot be before it is allocated. */
    private void check(InputFile file) {
      String sizes =
          String.format(
              Locale.ROOT,
              "%d images of %dx%d",
              Integer.toUnsignedLong(count),
              Integer.toUnsignedLong(height),
              Integer.toUnsignedLong(width));
      if (height == 0 || width == 0) {
        throw file.invalid("expected images of at least 1x1, found " + sizes + " at offset 4");
      }
      if (count < 0
          || height < 0
          || width < 0
          || (long) height * width > Integer.MAX_VALUE - 8
          || (long) height * width * count < 0
          || (long) height * width * count > Integer.MAX_VALUE - 8) {
        throw file.invalid(
            "expected images of at most 2 GiB in all, found " + sizes + " at offset 4");
      }
      if (length() > file.contentLimit()) {
        throw file.invalid(
            "expected "
                + (HEADER + length())
                + " bytes for "
                + sizes
                + ", found a file too short for it");
      }
    }
  }

  private static String path(InputFile file) {
    return String.valueOf(file.path().getFileName());
  }
}
