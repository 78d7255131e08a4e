package org.ebflow.training.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * Header of an NPY file, versions 1.0 to 3.0, for a two-dimensional array or for images.
 *
 * @param type of an element
 * @param byteOrder of an element
 * @param fortranOrder whether the array lies column after column
 * @param rows first length, at least 1
 * @param columns numbers in a row, at least 1
 * @param images how a row is an image; null for a two-dimensional array
 * @param bytes length of the header: offset of the first element
 * @see <a
 *     href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">numpy.lib.format</a>
 */
record NpyHeader(
    NpyType type,
    ByteOrder byteOrder,
    boolean fortranOrder,
    long rows,
    int columns,
    @Nullable Images images,
    int bytes) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  /** Little-endian, big-endian, of one byte. */
  private static final String BYTE_ORDERS = "<>|";

  /** More than any real header; numpy itself refuses beyond 10,000 characters. */
  private static final int MAX_TEXT = 1 << 16;

  private static final Pattern DESCR =
      Pattern.compile("['\"]descr['\"]\\s*:\\s*(?:['\"]([^'\"]+)['\"]|(\\[))");
  private static final Pattern ORDER =
      Pattern.compile("['\"]fortran_order['\"]\\s*:\\s*(True|False)");
  private static final Pattern SHAPE =
      Pattern.compile("['\"]shape['\"]\\s*:\\s*\\(([0-9,\\sL]*)\\)");

  static NpyHeader read(InputFile file, InputStream in) throws IOException {
    byte[] start = in.readNBytes(8);
    if (start.length < 8 || !Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw file.invalid("expected an NPY file (93 'NUMPY' at offset 0), found other data");
    }
    int major = start[6];
    if (major < 1 || major > 3) {
      throw file.invalid("expected NPY version 1.0 to 3.0, found " + major + "." + start[7]);
    }
    int lengthBytes = major == 1 ? 2 : 4;
    byte[] lengthField = in.readNBytes(lengthBytes);
    long length = 0;
    for (int i = lengthField.length - 1; i >= 0; i--) {
      length = length << 8 | (lengthField[i] & 0xFF);
    }
    if (lengthField.length < lengthBytes || length > MAX_TEXT) {
      throw file.invalid(
          "expected an NPY header of at most " + MAX_TEXT + " bytes at offset 8, found " + length);
    }
    byte[] text = in.readNBytes((int) length);
    if (text.length < length) {
      throw file.invalid("expected an NPY header of " + length + " bytes, found a truncated file");
    }
    return parse(file, new String(text, StandardCharsets.UTF_8), 8 + lengthBytes + (int) length);
  }

  /**
   * How the rows of a file are images; null where they are none.
   *
   * @throws InvalidInputException if it is named as an array and is none that can be read
   */
  static @Nullable Images imagesOf(Path path) {
    if (FileFormat.ofInput(path) != FileFormat.NPY) {
      return null;
    }
    InputFile file = InputFile.of(path);
    try (InputStream in = file.open()) {
      return read(file, in).images;
    } catch (IOException e) {
      throw file.failure(e);
    }
  }

  private static NpyHeader parse(InputFile file, String text, int bytes) {
    String code = field(file, DESCR, "descr", text);
    NpyType type =
        BYTE_ORDERS.indexOf(code.charAt(0)) < 0 ? null : NpyType.ofCode(code.substring(1));
    if (type == null) {
      throw file.invalid(
          "expected an NPY array of type " + NpyType.codes() + ", found " + shown(code));
    }
    String shape = field(file, SHAPE, "shape", text).replaceAll("[\\sL]", "");
    String[] lengths = shape.isEmpty() ? new String[0] : shape.split(",");
    boolean fortranOrder = field(file, ORDER, "fortran_order", text).equals("True");
    long rows = lengths.length == 0 ? -1 : length(lengths[0]);
    Images images = lengths.length == 2 ? null : Images.of(file, lengths, shown(shape));
    if (images != null && (type != NpyType.UINT8 || fortranOrder)) {
      throw file.invalid(
          "expected an NPY array of images as u1 in C order, found "
              + shown(code)
              + (fortranOrder ? " in Fortran order" : ""));
    }
    long columns = images == null ? length(lengths[1]) : images.shape.size();
    if (rows < 0
        || columns < 1
        || columns > Integer.MAX_VALUE
        || Math.multiplyHigh(rows, columns * type.bytes()) != 0
        || rows * columns * type.bytes() > file.contentLimit()
        || rows * columns * type.bytes() < 0) {
      throw file.invalid(
          "expected an NPY shape that the file's size allows, found ("
              + shown(shape)
              + ") of "
              + code);
    }
    long expected = bytes + rows * columns * type.bytes();
    if (file.contentLength() >= 0 && file.contentLength() != expected) {
      throw file.invalid(
          "expected "
              + expected
              + " bytes for NPY shape ("
              + shape
              + ") of "
              + code
              + ", found "
              + file.contentLength());
    }
    file.requireColumns(columns);
    return new NpyHeader(
        type,
        code.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN,
        fortranOrder,
        rows,
        (int) columns,
        images,
        bytes);
  }

  /**
   * Images in an array, [rows,height,width], [rows,height,width,channels] or
   * [rows,channels,height,width] with 1 or 3 channels.
   *
   * @param shape of an image
   * @param channelsFirst whether a channel's pixels lie together
   */
  record Images(Shape shape, boolean channelsFirst) {
    private static Images of(InputFile file, String[] lengths, String shown) {
      long[] sides =
          LongStream.range(1, lengths.length).map(i -> length(lengths[(int) i])).toArray();
      boolean grey = sides.length == 2;
      boolean first = sides.length == 3 && isChannels(sides[0]);
      if (!(grey || (sides.length == 3 && first != isChannels(sides[2])))) {
        throw file.invalid(
            "expected an NPY array of shape (rows, columns), or of images: (count, height, width), and 1 or 3 channels last or second; found ("
                + shown
                + ")");
      }
      long channels = grey ? 1 : sides[first ? 0 : 2];
      long height = sides[first ? 1 : 0];
      long width = sides[first ? 2 : 1];
      if (height == 0 || width == 0) {
        throw file.invalid("expected images of at least 1x1, found shape (" + shown + ")");
      }
      if (height < 0
          || width < 0
          || Math.multiplyHigh(height, width * channels) != 0
          || width > Integer.MAX_VALUE
          || height * width * channels > Integer.MAX_VALUE
          || height * width * channels < 0) {
        throw file.invalid("expected images of at most 2^31 numbers, found shape (" + shown + ")");
      }
      return new Images(new Shape((int) channels, (int) height, (int) width), first);
    }

    private static boolean isChannels(long length) {
      return length == 1 || length == 3;
    }

    /** Where each number of a row, channels last, stands in the array's row. */
    int[] cells() {
      int[] cells = ColumnPlaces.all(shape.size());
      if (channelsFirst) {
        int pixels = shape.height() * shape.width();
        for (int i = 0; i < cells.length; i++) {
          cells[i] = i % shape.channels() * pixels + i / shape.channels();
        }
      }
      return cells;
    }
  }

  private static String field(InputFile file, Pattern pattern, String name, String text) {
    Matcher matcher = pattern.matcher(text);
    if (!matcher.find()) {
      throw file.invalid("expected '" + name + "' in the NPY header, found " + shown(text));
    }
    return matcher.group(1) == null ? "a structured type" : matcher.group(1);
  }

  private static long length(String digits) {
    return digits.length() > 18 ? -1 : Long.parseLong("0" + digits);
  }

  private static String shown(String text) {
    String line = text.replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
    return line.length() > 80 ? line.substring(0, 80) + "…" : line;
  }
}
