package org.ebflow.flow.io;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.SafetensorsHeader.Malformed;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Matrices by name in a safetensors file: 8 bytes little-endian header length, a JSON header, the
 * elements.
 *
 * <p>Source: the format as published with the safetensors library. Tensors are F32 or F64 of shape
 * [rows,columns], row-major; the header is padded with spaces to a multiple of 8 bytes; float64
 * tensors lie before float32 ones, so that all are aligned.
 *
 * <p>The metadata entry {@code crc32c} is this class's own: eight hexadecimal digits, the CRC-32C
 * of the whole file with these digits as zeros. A file that has it is checked when it is read;
 * other programs' files are read without, and so is one whose corruption destroyed the very name of
 * the entry. It does not appear in {@link #metadata}.
 *
 * <p>Memory: one small buffer besides the header, whatever the size of the file. Threading: an open
 * file may be read by several threads.
 */
public final class Safetensors implements AutoCloseable {
  static final int LENGTH_BYTES = 8;

  private static final int MAX_HEADER = 100_000_000; // that of the reference implementation
  private static final int MAX_COMPLAINT = 300;
  private static final int BUFFER = 1 << 18;

  private final Path path;
  private final FileChannel channel;
  private final long dataStart;
  private final SafetensorsHeader header;

  private Safetensors(Path path, FileChannel channel, long dataStart, SafetensorsHeader header) {
    this.path = path;
    this.channel = channel;
    this.dataStart = dataStart;
    this.header = header;
  }

  /**
   * Creates or replaces a file in one piece, see {@link AtomicFiles}.
   *
   * @param tensors matrices by name, written in the order of the map; read twice, so they must not
   *     change meanwhile
   * @param metadata strings to keep with them
   * @throws UncheckedIOException if the file can't be written; the previous one is then intact
   */
  public static void write(Path file, Map<String, Matrix> tensors, Map<String, String> metadata) {
    SafetensorsWriter.write(file, tensors, metadata);
  }

  /**
   * Opens a file and checks all of it: header, places of the tensors, checksum. To be closed after
   * use.
   *
   * @throws InvalidInputException if it is not such a file
   */
  public static Safetensors read(Path file) {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw invalid(
          file,
          "expected a safetensors file, found "
              + (Files.isDirectory(file) ? "a directory" : "a special file"));
    }
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      try {
        return checked(file, channel);
      } catch (IOException | RuntimeException | Malformed e) {
        channel.close();
        throw e;
      }
    } catch (Malformed e) {
      throw invalid(file, e.getMessage());
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static Safetensors checked(Path file, FileChannel channel) throws IOException, Malformed {
    long size = channel.size();
    if (size < LENGTH_BYTES) {
      throw new Malformed(
          "expected a safetensors file, found "
              + (size == 0 ? "an empty file" : "only " + size + " bytes"));
    }
    ByteBuffer length = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, 0, length);
    long headerBytes = length.getLong(0);
    long most = Math.min(MAX_HEADER, size - LENGTH_BYTES);
    if (headerBytes < 0 || headerBytes > most) {
      throw new Malformed(
          "expected a header length of at most "
              + most
              + " bytes, found "
              + Long.toUnsignedString(headerBytes));
    }
    byte[] encoded = new byte[(int) headerBytes];
    readFully(channel, LENGTH_BYTES, ByteBuffer.wrap(encoded));
    long dataStart = LENGTH_BYTES + headerBytes;
    SafetensorsHeader header = SafetensorsHeader.decode(encoded, size - dataStart);
    String expected = header.metadata().remove(FileChecksum.KEY);
    if (expected != null) {
      String found = checksum(channel, encoded);
      if (!found.equals(expected)) {
        throw new Malformed(
            "expected content with checksum "
                + FileChecksum.KEY
                + " "
                + expected
                + ", found "
                + found);
      }
    }
    return new Safetensors(file, channel, dataStart, header);
  }

  private static String checksum(FileChannel channel, byte[] encoded)
      throws IOException, Malformed {
    FileChecksum checksum = new FileChecksum(encoded);
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    long size = channel.size();
    for (long position = LENGTH_BYTES + (long) encoded.length;
        position < size;
        position += buffer.limit()) {
      readFully(channel, position, buffer.clear().limit((int) Math.min(BUFFER, size - position)));
      checksum.update(buffer.flip());
    }
    return checksum.digits();
  }

  /** Strings kept with the tensors, in the file's order. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(header.metadata());
  }

  /** Names of the tensors, in the order of the header. */
  public List<String> names() {
    return List.copyOf(header.tensors().keySet());
  }

  /** Format of a tensor's elements in the file. */
  public Precision precision(String name) {
    return info(name).precision();
  }

  /** Number of rows of a tensor. */
  public int rows(String name) {
    return info(name).rows();
  }

  /** Number of columns of a tensor. */
  public int columns(String name) {
    return info(name).columns();
  }

  /**
   * Reads one tensor, rounding to the target's precision.
   *
   * @param target overwritten, of the tensor's shape
   * @throws InvalidInputException if there is no such tensor or its shape is another
   */
  public void copyTo(String name, Matrix target) {
    TensorInfo info = info(name);
    if (info.rows() != target.rows() || info.columns() != target.columns()) {
      throw invalid(
          path,
          "expected tensor \""
              + name
              + "\" of shape ["
              + target.rows()
              + ","
              + target.columns()
              + "], found ["
              + info.rows()
              + ","
              + info.columns()
              + "]");
    }
    long start = dataStart + info.begin();
    try {
      MatrixBytes.read(
          (offset, bytes) -> readFully(channel, start + offset, bytes), info.precision(), target);
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  private TensorInfo info(String name) {
    TensorInfo info = header.tensors().get(name);
    if (info == null) {
      throw invalid(
          path,
          "expected a tensor \""
              + name
              + "\", found "
              + String.join(", ", header.tensors().keySet()));
    }
    return info;
  }

  private static void readFully(FileChannel channel, long from, ByteBuffer target)
      throws IOException {
    long position = from;
    while (target.hasRemaining()) {
      int count = channel.read(target, position);
      if (count < 0) {
        throw new EOFException("expected more data, found the end of the file");
      }
      position += count;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException(path + ": cannot be closed: " + e.getMessage(), e);
    }
  }

  private static InvalidInputException unreadable(Path file, IOException e) {
    String reason =
        switch (e) {
          case NoSuchFileException _ -> "expected a safetensors file, found none";
          case AccessDeniedException _ -> "expected a readable file, found access denied";
          default ->
              "cannot be read: "
                  + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
        };
    return new InvalidInputException(oneLine(file + ": " + reason), e);
  }

  private static InvalidInputException invalid(Path file, @Nullable String complaint) {
    return new InvalidInputException(oneLine(file + ": " + complaint));
  }

  private static String oneLine(String message) {
    String line = OneLine.message(message);
    return line.length() <= MAX_COMPLAINT ? line : line.substring(0, MAX_COMPLAINT) + " …";
  }
}
