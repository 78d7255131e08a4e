package org.ebflow.cli.table;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A large file that appears in one piece: written beside as NAME.RANDOM.part, renamed by {@link
 * #publish}; closed before that, it leaves nothing. Of several writers of one name the last to
 * publish wins, whole.
 *
 * <p>All methods throw {@link UncheckedIOException} with one line when the file can't be written.
 * Threading: not thread-safe.
 */
final class OutputFile implements AutoCloseable {
  private static final int BUFFER = 1 << 18;

  private final Path file;
  private final Path part;
  private final RandomAccessFile out;
  private final byte[] buffer = new byte[BUFFER];
  private int buffered;
  private boolean published;

  OutputFile(Path file) {
    this.file = file;
    Path absolute = file.toAbsolutePath();
    String own = Long.toHexString(ThreadLocalRandom.current().nextLong());
    part = absolute.resolveSibling(absolute.getFileName() + "." + own + ".part");
    try {
      if (Files.isDirectory(file)) {
        throw new IOException("a directory of that name exists");
      }
      out = new RandomAccessFile(part.toFile(), "rw");
      part.toFile().deleteOnExit(); // when a signal ends the program
    } catch (IOException e) {
      throw failure(e);
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
      throw failure(e);
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
      throw failure(e);
    }
  }

  /** Gives the complete file its name. */
  void publish() {
    flush();
    try {
      out.getFD().sync();
      out.close();
      Files.move(
          part,
          file.toAbsolutePath(),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
      published = true;
    } catch (IOException e) {
      throw failure(e);
    }
  }

  @Override
  public void close() {
    if (!published) {
      try {
        out.close();
        Files.deleteIfExists(part);
      } catch (IOException e) {
        throw failure(e);
      }
    }
  }

  private UncheckedIOException failure(IOException e) {
    Path folder = part.getParent();
    String reason =
        folder != null && !Files.isDirectory(folder)
            ? "folder " + folder + " does not exist"
            : String.valueOf(e.getMessage());
    return new UncheckedIOException(
        file + ": cannot be written: " + reason.replaceAll("\\s+", " "), e);
  }
}
