package org.ebflow.training.data;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;

/**
 * PNG and JPEG, told by their content, as eight bits of red, green and blue: grey and palettes are
 * spread, 16 bits rounded, CMYK converted, transparent parts laid over white. Profiles of colours
 * and the orientation that cameras note are left alone.
 */
final class PictureFile {
  private static final long MOST_BYTES = 1 << 28;

  /** Heap that a pixel takes while it is decoded: four samples of 16 bits, and those of it. */
  static final int PIXEL_BYTES = 4 * Short.BYTES + Picture.CHANNELS;

  /** Half of the heap, for one picture. */
  private static final long MOST_PIXELS =
      Math.min(1 << 26, Runtime.getRuntime().maxMemory() / 2 / PIXEL_BYTES);

  private static final byte[] PNG = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final byte[] JPEG = {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF};

  /** Beside its data, a chunk of PNG has a length, a type and a checksum of four bytes each. */
  private static final int CHUNK_FRAME = 12;

  private static final int WHITE = 255;

  /** How warnings of damage begin, in the words of libjpeg. */
  private static final List<String> DAMAGE =
      List.of("Truncated File", "Premature end", "Corrupt JPEG data");

  private PictureFile() {}

  /**
   * Reads a picture.
   *
   * @throws InvalidInputException if it is none, damaged, or too large
   */
  static Picture read(Path path) {
    InputFile file = InputFile.of(path);
    try {
      if (Files.size(path) > MOST_BYTES) {
        throw file.invalid(
            "expected a picture of at most " + MOST_BYTES + " bytes, found " + Files.size(path));
      }
      byte[] bytes = Files.readAllBytes(path);
      if (startsWith(bytes, PNG)) {
        checkPng(file, bytes);
        return decoded(file, "PNG", bytes);
      }
      if (startsWith(bytes, JPEG)) {
        return decoded(file, "JPEG", bytes);
      }
      throw file.invalid("expected a PNG or JPEG picture, found other data");
    } catch (IOException e) {
      throw file.failure(e);
    }
  }

  /** Number of pixels by the header, 0 where that can't be read; {@link #read} says why. */
  static long pixels(Path path) {
    try (ImageInputStream in = ImageIO.createImageInputStream(path.toFile())) {
      Iterator<ImageReader> readers =
          in == null ? Collections.emptyIterator() : ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        return 0;
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        return (long) reader.getWidth(0) * reader.getHeight(0);
      } finally {
        reader.dispose();
      }
    } catch (IOException | RuntimeException | LinkageError | InternalError _) {
      return 0;
    }
  }

  private static boolean startsWith(byte[] bytes, byte[] start) {
    return bytes.length >= start.length
        && Arrays.equals(bytes, 0, start.length, start, 0, start.length);
  }

  /** Java's reader looks at no checksum and takes an early end for black pixels. */
  private static void checkPng(InputFile file, byte[] bytes) throws EOFException {
    ByteBuffer in = ByteBuffer.wrap(bytes).position(PNG.length);
    for (String type = ""; !type.equals("IEND"); ) {
      int at = in.position();
      int length = in.remaining() < CHUNK_FRAME ? Integer.MAX_VALUE : in.getInt();
      if (length < 0 || length > in.remaining() - CHUNK_FRAME + Integer.BYTES) {
        throw new EOFException();
      }
      CRC32 crc = new CRC32();
      crc.update(bytes, at + 4, 4 + length);
      type = new String(bytes, at + 4, 4, StandardCharsets.ISO_8859_1);
      int expected = in.getInt(at + 8 + length);
      if ((int) crc.getValue() != expected) {
        throw file.invalid(
            String.format(
                Locale.ROOT,
                "expected a PNG chunk of checksum %08x at offset %d, found corruption (%08x)",
                expected,
                at,
                crc.getValue()));
      }
      in.position(at + CHUNK_FRAME + length);
    }
  }

  private static Picture decoded(InputFile file, String format, byte[] bytes) {
    Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format);
    if (!readers.hasNext()) {
      throw file.invalid("this Java can't read " + format + " pictures");
    }
    ImageReader reader = readers.next();
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.setInput(in, true, true);
      reader.addIIOReadWarningListener(
          (source, warning) -> {
            if (DAMAGE.stream().anyMatch(warning::startsWith)) {
              throw new Damage(warning);
            }
          });
      int width = reader.getWidth(0);
      int height = reader.getHeight(0);
      if ((long) width * height > MOST_PIXELS) {
        throw file.invalid(
            "expected at most " + MOST_PIXELS + " pixels, found " + width + "×" + height);
      }
      return rgb(reader.read(0));
    } catch (InvalidInputException e) {
      throw e;
    } catch (IOException | RuntimeException e) { // readers throw any exception for damaged data
      throw new InvalidInputException(
          file.path()
              + ": expected a whole "
              + format
              + " picture, found damage ("
              + OneLine.message(e)
              + ")",
          e);
    } finally {
      reader.dispose();
    }
  }

  /** What Java's reader of JPEG only warns of: it fills up with grey. */
  private static final class Damage extends RuntimeException {
    private static final long serialVersionUID = 1;

    Damage(String warning) {
      super(warning);
    }
  }

  private static Picture rgb(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] rgb = new byte[Math.multiplyExact(width * height, Picture.CHANNELS)];
    ColorModel model = image.getColorModel();
    int space = model.getColorSpace().getType();
    boolean samples =
        !(model instanceof IndexColorModel)
            && (space == ColorSpace.TYPE_GRAY || space == ColorSpace.TYPE_RGB);
    Row row = samples ? new Samples(image) : new Converted(image);
    for (int y = 0; y < height; y++) {
      row.read(y);
      for (int x = 0; x < width; x++) {
        int alpha = row.alpha(x);
        for (int c = 0; c < Picture.CHANNELS; c++) {
          int value = row.value(x, c);
          rgb[(y * width + x) * Picture.CHANNELS + c] =
              (byte) ((value * alpha + WHITE * (255 - alpha) + 127) / 255);
        }
      }
    }
    return new Picture(height, width, rgb);
  }

  /** A row of a picture, in eight bits. */
  private interface Row {
    void read(int y);

    int value(int x, int channel);

    int alpha(int x);
  }

  /** The numbers as they are in the file: Java's conversion would change those of grey pictures. */
  private static final class Samples implements Row {
    private final Raster raster;
    private final int bands;
    private final int colours;
    private final int[] most;
    private final int[] row;

    Samples(BufferedImage image) {
      raster = image.getRaster();
      bands = raster.getNumBands();
      colours = image.getColorModel().getNumColorComponents();
      most = new int[bands];
      for (int b = 0; b < bands; b++) {
        most[b] = (1 << raster.getSampleModel().getSampleSize(b)) - 1;
      }
      row = new int[bands * raster.getWidth()];
    }

    @Override
    public void read(int y) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, raster.getWidth(), 1, row);
    }

    @Override
    public int value(int x, int channel) {
      return eightBits(x, Math.min(channel, colours - 1));
    }

    @Override
    public int alpha(int x) {
      return bands == colours ? 255 : eightBits(x, colours);
    }

    private int eightBits(int x, int band) {
      return (row[x * bands + band] * 255 + most[band] / 2) / most[band];
    }
  }

  /** Palettes, and colours that are no red, green and blue. */
  private static final class Converted implements Row {
    private final BufferedImage image;
    private final int[] row;

    Converted(BufferedImage image) {
      this.image = image;
      row = new int[image.getWidth()];
    }

    @Override
    public void read(int y) {
      image.getRGB(0, y, row.length, 1, row, 0, row.length);
    }

    @Override
    public int value(int x, int channel) {
      return (row[x] >> (8 * (2 - channel))) & 0xFF;
    }

    @Override
    public int alpha(int x) {
      return row[x] >>> 24;
    }
  }
}
