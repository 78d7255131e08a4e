package org.ebflow.cli.table;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.ebflow.flow.io.PartFile;

/**
 * A large file that appears in one piece: written to a {@link PartFile}, renamed by {@link
 * #publish}; closed before that, it leaves nothing, unless it is {@linkplain #resumable resumable}.
 *
 * <p>All methods throw {@link UncheckedIOException} with one line when the file can't be written.
 * Threading: not thread-safe but for {@link #synchronise}.
 */
final class OutputFile extends OutputStream {
  private static final int BUFFER = 1 << 18;

  private final PartFile part;
  private final OutputStream out;

  OutputFile(Path file) {
    this(new PartFile(file));
  }

  private OutputFile(PartFile part) {
    this.part = part;
    out = new BufferedOutputStream(part.stream(), BUFFER);
  }

  /**
   * What an earlier call may have left of that file, to be {@linkplain #truncate cut off} before
   * anything is written. It stays until it is published or discarded.
   */
  static OutputFile resumable(Path file) {
    return new OutputFile(PartFile.resumable(file));
  }

  /** Bytes there are. */
  long length() {
    try {
      out.flush();
      return part.length();
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  /** Goes on behind so many bytes. */
  void truncate(long length) {
    try {
      part.truncate(length);
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  /**
   * Makes durable what was written before the last {@link #length}, from any thread: others may
   * write meanwhile.
   */
  void synchronise() {
    try {
      part.synchronise();
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  /** What was written so far, to be read. */
  RandomAccessFile content() {
    return part.content();
  }

  /** What is thrown when the file can't be written, one line. */
  UncheckedIOException failure(IOException e) {
    return part.failure(e);
  }

  /** Leaves nothing unless it was published. */
  void discard() {
    part.discard();
  }

  @Override
  public void write(int value) {
    try {
      out.write(value);
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  @Override
  public void write(byte[] bytes) {
    write(bytes, 0, bytes.length);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  /** Replaces the first bytes, already written. */
  void overwriteStart(byte[] bytes) {
    try {
      out.flush();
      part.overwriteStart(bytes);
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  /** Gives the complete file its name. */
  void publish() {
    try {
      out.flush();
      part.publish();
    } catch (IOException e) {
      throw part.failure(e);
    }
  }

  @Override
  public void close() {
    part.close();
  }
}
