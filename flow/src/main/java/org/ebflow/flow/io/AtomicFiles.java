package org.ebflow.flow.io;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * Writes files in one piece: whoever reads one sees the old content or the new, never a part, even
 * when the process is killed or the disk is full.
 *
 * <p>The content goes to a {@link PartFile}, is synchronised to the disk and renamed over the old
 * file; then the folder is synchronised where the system can.
 *
 * <p>Threading: calls are independent. Of several writers of one file the last to finish wins,
 * whole.
 */
public final class AtomicFiles {
  private static final int BUFFER = 1 << 16;

  private AtomicFiles() {}

  /** Content of a file. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes everything to {@code out}, which is buffered; closing it does no harm and is not
     * needed.
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Creates or replaces a file.
   *
   * @throws UncheckedIOException with a one-line message when the folder is missing, the disk is
   *     full or the file can't be written; the previous file is then intact
   */
  public static void write(Path file, Content content) {
    try (PartFile part = new PartFile(file)) {
      try {
        OutputStream buffered = new BufferedOutputStream(part.stream(), BUFFER);
        content.writeTo(buffered);
        buffered.flush();
        part.publish();
      } catch (IOException e) {
        throw part.failure(e);
      }
    }
  }
}
