package org.ebflow.training.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Header of an NPY file, versions 1.0 to 3.0, for a two-dimensional array.
 *
 * @param type of an element
 * @param byteOrder of an element
 * @param fortranOrder whether the array lies column after column
 * @param rows first length, at least 1
 * @param columns second length, at least 1
 * @param bytes length of the header: offset of the first element
 * @see <a
 *     href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">numpy.lib.format</a>
 */
record NpyHeader(
    NpyType type, ByteOrder byteOrder, boolean fortranOrder, long rows, int columns, int bytes) {
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
    if (lengths.length != 2) {
      throw file.invalid(
          "expected a 2-D NPY array (rows, columns), found shape (" + shown(shape) + ")");
    }
    boolean fortranOrder = field(file, ORDER, "fortran_order", text).equals("True");
    long rows = length(lengths[0]);
    long columns = length(lengths[1]);
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
        bytes);
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
