package org.ebflow.training.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.zip.ZipException;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;

/**
 * A file from outside, plain or compressed with gzip (told by its first two bytes), and the
 * one-line errors about it.
 */
final class InputFile {
  /**
   * Deflate never makes data smaller than this (RFC 1951: 258 bytes per two bits, less framing).
   */
  private static final long MAX_DEFLATE_RATIO = 1032;

  private static final int BUFFER = 1 << 16;

  /** Of any table, however much memory there is. */
  private static final int MOST_COLUMNS = 1 << 24;

  /** Of heap, which a column takes by its number, its name and its places in lists and maps. */
  private static final int COLUMN_BYTES = 1 << 10;

  private final Path path;
  private final long bytes;
  private final boolean compressed;
  private final BooleanSupplier stopping;

  private InputFile(Path path, long bytes, boolean compressed, BooleanSupplier stopping) {
    this.path = path;
    this.bytes = bytes;
    this.compressed = compressed;
    this.stopping = stopping;
  }

  /** Looks at a file that must exist, be readable and not be empty. */
  static InputFile of(Path path) {
    return of(path, () -> false);
  }

  /**
   * The same of a file that somebody may not want to be read to its end.
   *
   * @param stopping asked at every read of the content, which fails once it is true
   */
  static InputFile of(Path path, BooleanSupplier stopping) {
    if (Files.isDirectory(path)) {
      throw new InvalidInputException(path + ": expected a file, found a directory");
    }
    if (Files.exists(path) && !Files.isRegularFile(path)) {
      throw new InvalidInputException(path + ": expected a regular file, found a device or pipe");
    }
    try (InputStream in = Files.newInputStream(path)) {
      byte[] start = in.readNBytes(2);
      if (start.length == 0) {
        throw new InvalidInputException(path + ": expected data, found an empty file");
      }
      boolean gzip = start.length == 2 && (start[0] & 0xFF) == 0x1F && (start[1] & 0xFF) == 0x8B;
      return new InputFile(path, Files.size(path), gzip, stopping);
    } catch (IOException e) {
      throw failure(path, e);
    }
  }

  Path path() {
    return path;
  }

  boolean compressed() {
    return compressed;
  }

  /** Most bytes the (decompressed) content can have: exact for a plain file. */
  long contentLimit() {
    return compressed ? Math.multiplyExact(bytes, MAX_DEFLATE_RATIO) : bytes;
  }

  /** Bytes of the content if known without reading it, or -1. */
  long contentLength() {
    return compressed ? -1 : bytes;
  }

  /** Opens the content, decompressed. */
  InputStream open() throws IOException {
    InputStream raw = Files.newInputStream(path);
    try {
      return new Stoppable(
          compressed ? new WholeGzip(raw, BUFFER) : new BufferedInputStream(raw, BUFFER));
    } catch (IOException | RuntimeException e) {
      raw.close();
      throw e;
    }
  }

  /** The content, of which a part that gives no row may be long: blank lines, packed zeros. */
  private final class Stoppable extends FilterInputStream {
    Stoppable(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      requireGoingOn();
      return super.read();
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      requireGoingOn();
      return super.read(bytes, offset, length);
    }

    private void requireGoingOn() throws InterruptedIOException {
      if (stopping.getAsBoolean()) {
        throw new InterruptedIOException("it was asked to stop");
      }
    }
  }

  /**
   * The exception for something found in this file; {@code complaint} reads "expected …, found …".
   */
  InvalidInputException invalid(String complaint) {
    return new InvalidInputException(path + ": " + complaint);
  }

  /** Columns of a table that fit into the Java heap. */
  static int mostColumns() {
    return (int) Math.min(MOST_COLUMNS, Runtime.getRuntime().maxMemory() / COLUMN_BYTES);
  }

  /** Refuses a table of more columns, before memory is taken for a row of it. */
  void requireColumns(long found) {
    if (found > mostColumns()) {
      throw invalid(
          String.format(
              Locale.ROOT,
              "expected at most %,d columns in this heap, found %,d",
              mostColumns(),
              found));
    }
  }

  InvalidInputException failure(IOException e) {
    return failure(path, e);
  }

  private static InvalidInputException failure(Path path, IOException e) {
    return switch (e) {
      case NoSuchFileException _ -> unreadable(path, "expected a file, found none", e);
      case AccessDeniedException _ ->
          unreadable(path, "expected a readable file, found access denied", e);
      case EOFException _ ->
          invalid(path, "expected more data, found the end of a truncated file", e);
      case ZipException _ ->
          invalid(path, "expected gzip data, found corruption (" + e.getMessage() + ")", e);
      case CharacterCodingException _ -> invalid(path, "expected UTF-8 text, found other bytes", e);
      default -> unreadable(path, "cannot be read: " + OneLine.message(e), e);
    };
  }

  private static InvalidInputException invalid(Path path, String what, IOException e) {
    return new InvalidInputException(path + ": " + what, e);
  }

  private static InvalidInputException unreadable(Path path, String what, IOException e) {
    return new UnreadableInputException(path + ": " + what, e);
  }
}
