package org.ebflow.cli.table;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.ebflow.flow.io.PartFile;

/**
 * A large file that appears in one piece: written to a {@link PartFile}, renamed by {@link
 * #publish}; closed before that, it leaves nothing.
 *
 * <p>All methods throw {@link UncheckedIOException} with one line when the file can't be written.
 * Threading: not thread-safe.
 */
final class OutputFile implements AutoCloseable {
  private static final int BUFFER = 1 << 18;

  private final PartFile part;
  private final RandomAccessFile out;
  private final byte[] buffer = new byte[BUFFER];
  private int buffered;

  OutputFile(Path file) {
    part = new PartFile(file);
    try {
      if (Files.isDirectory(file)) {
        throw new IOException("a directory of that name exists");
      }
      out = new RandomAccessFile(part.path().toFile(), "rw");
    } catch (IOException e) {
      part.close();
      throw part.failure(e);
    }
  }

  /** Appends {@code length} bytes. */
  void write(byte[] bytes, int length) {
    if (length > BUFFER - buffered) {
      flush();
    }
    if (length > BUFFER) {
      writeThrough(bytes, length);
    } else {
      System.arraycopy(bytes, 0, buffer, buffered, length);
      buffered += length;
    }
  }

  private void flush() {
    writeThrough(buffer, buffered);
    buffered = 0;
  }

  private void writeThrough(byte[] bytes, int length) {
    try {
      out.write(bytes, 0, length);
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  /** Replaces the first bytes, already written. */
  void overwriteStart(byte[] bytes) {
    flush();
    try {
      long end = out.getFilePointer();
      out.seek(0);
      out.write(bytes);
      out.seek(end);
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  /** Gives the complete file its name. */
  void publish() {
    flush();
    try {
      out.getFD().sync();
      out.close();
      part.publish();
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  @Override
  public void close() {
    try (part) {
      out.close();
    } catch (IOException e) {
      throw part.failure(e);
    }
  }
}
