package org.ebflow.cli.table;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Lines of CSV (RFC 4180, UTF-8) collected as bytes. */
final class CsvText {
  private byte[] bytes = new byte[1 << 12];
  private int length;

  void clear() {
    length = 0;
  }

  byte[] bytes() {
    return bytes;
  }

  int length() {
    return length;
  }

  /** Appends text, in quotes where it must be. */
  CsvText cell(String text) {
    boolean quoted = text.chars().anyMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    return plain(quoted ? '"' + text.replace("\"", "\"\"") + '"' : text);
  }

  /** Appends a number with all the digits that tell it from its neighbours. */
  CsvText cell(double value) {
    return plain(Double.toString(value));
  }

  CsvText cell(long value) {
    return plain(Long.toString(value));
  }

  /** Appends one character: a comma or the end of a line. */
  CsvText then(char separator) {
    room(1);
    bytes[length++] = (byte) separator;
    return this;
  }

  /** Appends text as it is. */
  CsvText plain(String text) {
    byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
    room(encoded.length);
    System.arraycopy(encoded, 0, bytes, length, encoded.length);
    length += encoded.length;
    return this;
  }

  private void room(int more) {
    if (more > bytes.length - length) {
      bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
    }
  }
}
