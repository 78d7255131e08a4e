package org.ebflow.flow.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.ebflow.flow.io.SafetensorsHeader.Malformed;

/**
 * CRC-32C of a whole safetensors file whose metadata have a place for it: of the header's length,
 * the header with zeros in that place, and the data.
 *
 * <p>Threading: for one thread.
 */
final class FileChecksum {
  /** Name of the metadata entry. */
  static final String KEY = "crc32c";

  /** What stands in the entry's place while the sum is taken. */
  static final String ZEROS = "00000000";

  private static final String ENTRY = "\"" + KEY + "\":\"";

  private final CRC32C crc = new CRC32C();

  /** Begins with the length and a header, which is not modified. */
  FileChecksum(byte[] header) throws Malformed {
    int at = place(header);
    crc.update(
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .flip());
    crc.update(header, 0, at);
    crc.update(ZEROS.getBytes(StandardCharsets.US_ASCII));
    crc.update(header, at + ZEROS.length(), header.length - at - ZEROS.length());
  }

  /** Goes on with bytes of the data. */
  void update(ByteBuffer data) {
    crc.update(data);
  }

  /** The sum so far as eight hexadecimal digits. */
  String digits() {
    return String.format(Locale.ROOT, "%08x", crc.getValue());
  }

  /** Writes the digits into their place. */
  void insertInto(byte[] header) throws Malformed {
    System.arraycopy(
        digits().getBytes(StandardCharsets.US_ASCII), 0, header, place(header), ZEROS.length());
  }

  /** Index of the digits. Quotes inside of JSON strings are escaped, so there is one such place. */
  private static int place(byte[] header) throws Malformed {
    int at = new String(header, StandardCharsets.ISO_8859_1).indexOf(ENTRY);
    if (at < 0 || at + ENTRY.length() + ZEROS.length() > header.length) {
      throw new Malformed(
          "expected " + ENTRY + "xxxxxxxx\" in the header, found it in another form");
    }
    return at + ENTRY.length();
  }
}
