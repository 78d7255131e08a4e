package org.ebflow.cli.table;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.ebflow.flow.io.PartFile;

/**
 * A large file that appears in one piece: written to a {@link PartFile}, renamed by {@link
 * #publish}; closed before that, it leaves nothing.
 *
 * <p>All methods throw {@link UncheckedIOException} with one line when the file can't be written.
 * Threading: not thread-safe.
 */
final class OutputFile extends OutputStream {
  private static final int BUFFER = 1 << 18;

  private final PartFile part;
  private final OutputStream out;

  OutputFile(Path file) {
    part = new PartFile(file);
    out = new BufferedOutputStream(part.stream(), BUFFER);
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
