package org.ebflow.training.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.PartFile;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.CacheFolder;
import org.jspecify.annotations.Nullable;

/**
 * Pictures of one size, decoded once and mapped from then on: more of them than memory holds.
 *
 * <p>A cache is an NPY file of bytes [pictures, height·width·channels], which numpy reads too. A
 * comment in its header has the shape and the SHA-256 of the pixels. Its name has hashes of what
 * was decoded and how. It is written whole or not at all.
 */
final class PictureCache {
  private static final String ALL = "pictures";
  private static final int HEADER = 256;
  private static final String START = "\u0093NUMPY\u0001\0";
  private static final Pattern TEXT =
      Pattern.compile(
          ".*'shape': \\((\\d{1,10}), \\d{1,10}\\), } # (\\d)x(\\d{1,6})x(\\d{1,6}) sha256 ([0-9a-f]{64}) *\n",
          Pattern.DOTALL);

  private final Path file;
  private final String stem;

  private PictureCache(Path file, String stem) {
    this.file = file;
    this.stem = stem;
  }

  /**
   * The place of pictures from somewhere.
   *
   * @param source where they come from
   * @param part which of its pictures, of a source of several caches
   * @param options what becomes of them
   * @param content lists the files that they are read from, with sizes and times of change
   */
  static PictureCache of(Path source, String part, PictureOptions options, String content) {
    String name = String.valueOf(source.getFileName()).replaceAll("[^A-Za-z0-9.-]", "_");
    String place = source.toAbsolutePath().normalize() + "\n" + part + "\n" + options;
    String stem = name + "-" + sha256(place).substring(0, 8) + "-";
    String end = sha256(place + "\n" + content).substring(0, 16) + ".npy";
    return new PictureCache(CacheFolder.writable(ALL).resolve(stem + end), stem);
  }

  private static String sha256(String text) {
    MessageDigest digest = Sha256.digest();
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    return Sha256.of(digest);
  }

  Path file() {
    return file;
  }

  /** The pictures under that name, mapped, or null where they are not there whole. */
  @Nullable Dataset open(String name) {
    if (!Files.exists(file)) {
      return null;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        InputStream in = Files.newInputStream(file)) {
      String header = new String(in.readNBytes(HEADER), StandardCharsets.ISO_8859_1);
      Matcher text = TEXT.matcher(header);
      if (header.length() < HEADER || !header.startsWith(START) || !text.matches()) {
        return null;
      }
      int count = Integer.parseInt(text.group(1));
      Shape shape =
          new Shape(
              Integer.parseInt(text.group(2)),
              Integer.parseInt(text.group(3)),
              Integer.parseInt(text.group(4)));
      long bytes = (long) count * shape.size();
      if (channel.size() != HEADER + bytes) {
        return null;
      }
      MemorySegment pixels =
          channel.map(FileChannel.MapMode.READ_ONLY, HEADER, bytes, Arena.ofAuto());
      return Dataset.ofMappedPixels(
          name,
          new MappedRows(pixels, NpyType.UINT8, ByteOrder.nativeOrder(), count, shape.size(), null),
          shape,
          text.group(5));
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** Gives pictures one by one. */
  @FunctionalInterface
  interface Pictures {
    /** Hands all over, in their order, of one size. */
    void forEach(Taker taker) throws IOException;
  }

  /** Takes pictures one by one. */
  @FunctionalInterface
  interface Taker {
    /** Takes the next, which {@code source} names in messages. */
    void take(String source, Picture picture) throws IOException;
  }

  /**
   * Writes the cache and removes those of earlier contents of the same source.
   *
   * @param source where they come from
   * @param channels 1 for grey, 3 for colour; 0: colour if any picture has it
   * @throws InvalidInputException if a picture has another size than the first, or colour where
   *     grey is asked for, or there are none
   */
  void write(Path source, int channels, Pictures pictures) {
    try (Rows rows = new Rows(channels)) {
      pictures.forEach(rows);
      if (rows.count == 0) {
        throw new InvalidInputException(source + ": expected pictures, found none");
      }
      if (channels == 0 && !rows.coloured) {
        try (PartFile grey = new PartFile(file)) {
          publish(grey, rows.shape(1), rows.count, rows.copyGrey(grey.stream()));
        }
      } else {
        publish(rows.part, rows.shape(rows.channels()), rows.count, Sha256.of(rows.digest));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be written: " + e.getMessage(), e);
    }
    removeEarlier();
  }

  private static void publish(PartFile part, Shape shape, int count, String sha256)
      throws IOException {
    part.overwriteStart(header(shape, count, sha256));
    part.publish();
  }

  private static byte[] header(Shape shape, int count, String sha256) {
    String dictionary =
        String.format(
            Locale.ROOT,
            "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d), } # %dx%dx%d sha256 %s",
            count,
            shape.size(),
            shape.channels(),
            shape.height(),
            shape.width(),
            sha256);
    int length = HEADER - START.length() - Short.BYTES;
    String text = START + (char) length + "\0" + dictionary;
    return (text + " ".repeat(HEADER - 1 - text.length()) + "\n")
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private void removeEarlier() {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(file.resolveSibling(""))) {
      for (Path each : all) {
        String name = each.getFileName().toString();
        if (name.startsWith(stem) && name.endsWith(".npy") && !each.equals(file)) {
          Files.deleteIfExists(each);
        }
      }
    } catch (IOException | DirectoryIteratorException _) {
      // what can't be removed only takes place
    }
  }

  /** The rows of a cache as they are written. */
  private final class Rows implements Taker, AutoCloseable {
    private final PartFile part = new PartFile(file);
    private final OutputStream out = part.stream();
    private final MessageDigest digest = Sha256.digest();
    private final int wanted;
    private int count;
    private int height;
    private int width;
    private String first = "";
    private boolean coloured;

    Rows(int wanted) throws IOException {
      this.wanted = wanted;
      out.write(new byte[HEADER]);
    }

    int channels() {
      return wanted == 1 ? 1 : Picture.CHANNELS;
    }

    Shape shape(int channels) {
      return new Shape(channels, height, width);
    }

    @Override
    public void take(String source, Picture picture) throws IOException {
      if (count == 0) {
        height = picture.height();
        width = picture.width();
        first = source;
      }
      if (picture.height() != height || picture.width() != width) {
        throw new InvalidInputException(
            String.format(
                Locale.ROOT,
                "%s: expected a picture of %d×%d, as %s is, found %d×%d (--set data.image_side=64 resizes all)",
                source,
                width,
                height,
                first,
                picture.width(),
                picture.height()));
      }
      coloured = coloured || (wanted != 1 && picture.hasColour());
      byte[] row = picture.pixels(source, wanted == 1 ? 1 : Picture.CHANNELS);
      digest.update(row);
      out.write(row);
      count = Math.incrementExact(count);
    }

    /** Copies the first channel of every pixel and returns its SHA-256. */
    String copyGrey(OutputStream target) throws IOException {
      MessageDigest greyDigest = Sha256.digest();
      target.write(new byte[HEADER]);
      byte[] rgb = new byte[height * width * Picture.CHANNELS];
      try (InputStream in = new BufferedInputStream(Files.newInputStream(part.path()))) {
        in.skipNBytes(HEADER);
        for (int i = 0; i < count; i++) {
          if (in.readNBytes(rgb, 0, rgb.length) < rgb.length) {
            throw new EOFException("expected more data, found the end of the file");
          }
          byte[] row = Picture.grey(rgb);
          greyDigest.update(row);
          target.write(row);
        }
      }
      return Sha256.of(greyDigest);
    }

    @Override
    public void close() {
      part.close();
    }
  }

  /** The pictures, from the cache where they are there already. */
  Dataset openOrWrite(String name, Path source, int channels, Pictures pictures) {
    Dataset found = open(name);
    if (found != null) {
      return found;
    }
    write(source, channels, pictures);
    Dataset written = open(name);
    if (written == null) {
      throw new InvalidInputException(file + ": expected the file as it was written, found none");
    }
    return written;
  }
}
