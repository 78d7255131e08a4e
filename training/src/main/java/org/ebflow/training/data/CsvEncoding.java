package org.ebflow.training.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.ebflow.flow.InvalidInputException;

/**
 * The characters of a text file: in the Unicode encoding that its byte order mark says, else in the
 * one that was chosen. Bytes that are no characters are an error.
 *
 * @param charset of the text
 * @param mark the byte order mark in hexadecimal, or nothing
 */
record CsvEncoding(Charset charset, String mark) {
  /** Longer marks first: that of UTF-16LE begins that of UTF-32LE. */
  private static final List<CsvEncoding> MARKED =
      List.of(
          new CsvEncoding(StandardCharsets.UTF_32LE, "fffe0000"),
          new CsvEncoding(StandardCharsets.UTF_32BE, "0000feff"),
          new CsvEncoding(StandardCharsets.UTF_8, "efbbbf"),
          new CsvEncoding(StandardCharsets.UTF_16LE, "fffe"),
          new CsvEncoding(StandardCharsets.UTF_16BE, "feff"));

  private static final int BUFFER = 1 << 16;

  /** Looks for a byte order mark. */
  static CsvEncoding of(InputFile file, Charset chosen) throws IOException {
    try (InputStream in = file.open()) {
      String start = HexFormat.of().formatHex(in.readNBytes(4));
      for (CsvEncoding marked : MARKED) {
        if (start.startsWith(marked.mark)) {
          return marked;
        }
      }
      return new CsvEncoding(chosen, "");
    }
  }

  /** Opens the text behind the mark; {@link Reader#read} throws at bytes that are no characters. */
  Reader open(InputFile file) throws IOException {
    return new InputStreamReader(openBytes(file), decoder());
  }

  private InputStream openBytes(InputFile file) throws IOException {
    InputStream in = new BufferedInputStream(file.open(), BUFFER);
    in.skipNBytes(mark.length() / 2);
    return in;
  }

  private CharsetDecoder decoder() {
    return charset
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT);
  }

  /** Reads a file again that could not be decoded, for the place of the first wrong byte. */
  InvalidInputException undecodable(InputFile file, IOException cause) {
    ByteBuffer bytes = ByteBuffer.allocate(BUFFER).limit(0);
    CharBuffer chars = CharBuffer.allocate(BUFFER);
    CharsetDecoder decoder = decoder();
    long line = 1;
    char last = 0;
    try (InputStream in = openBytes(file)) {
      for (boolean end = false; !end; ) {
        bytes.compact();
        int read = in.read(bytes.array(), bytes.position(), bytes.remaining());
        end = read < 0;
        bytes.position(bytes.position() + Math.max(0, read)).flip();
        CoderResult result = decoder.decode(bytes, chars.clear(), end);
        for (char c : chars.flip().toString().toCharArray()) {
          line += c == '\r' || (c == '\n' && last != '\r') ? 1 : 0;
          last = c;
        }
        if (result.isError()) {
          return new InvalidInputException(
              String.format(
                  Locale.ROOT,
                  "%s: expected %s text, found the byte 0x%02X in line %d, which is none (name the encoding by --encoding, as windows-1252)",
                  file.path(),
                  charset,
                  bytes.get(bytes.position()),
                  line),
              cause);
        }
      }
    } catch (IOException e) {
      return file.failure(e);
    }
    return file.failure(cause);
  }
}
