package org.ebflow.flow.io;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes files in one piece: whoever reads one sees the old content or the new, never a part, even
 * when the process is killed or the disk is full.
 *
 * <p>The content goes to a file beside ({@code NAME.part}), is synchronised to the disk and renamed
 * over the old file; then the folder is synchronised where the system can. A part left behind by a
 * killed process is overwritten by the next write.
 *
 * <p>Threading: calls for different files are independent; calls for one file must be ordered by
 * the caller.
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
    Path absolute = file.toAbsolutePath();
    Path part = absolute.resolveSibling(absolute.getFileName() + ".part");
    boolean renamed = false;
    try {
      writePart(part, content);
      Files.move(
          part, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      renamed = true;
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be written: " + reason(absolute, e), e);
    } finally {
      if (!renamed) {
        delete(part);
      }
    }
    Path folder = absolute.getParent();
    if (folder != null) {
      synchroniseFolder(folder);
    }
  }

  /**
   * Not through a channel, which an interrupt of the thread would close in the middle of saving.
   */
  private static void writePart(Path part, Content content) throws IOException {
    try (FileOutputStream file = new FileOutputStream(part.toFile())) {
      OutputStream buffered =
          new BufferedOutputStream(file, BUFFER) {
            @Override
            public void close() throws IOException {
              flush(); // the file is closed only after it is synchronised
            }
          };
      content.writeTo(buffered);
      buffered.flush();
      file.getFD().sync();
    }
  }

  private static String reason(Path file, IOException e) {
    Path folder = file.getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      return "folder " + folder + " does not exist";
    }
    if (Files.isDirectory(file)) {
      return "a directory of that name exists";
    }
    return String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
  }

  private static void delete(Path part) {
    try {
      Files.deleteIfExists(part);
    } catch (IOException _) {
      // what led here is about to be thrown; the next write overwrites the part
    }
  }

  /**
   * Makes the new name durable. The content already is, and some systems can't open folders, so a
   * failure is no failure to write.
   */
  private static void synchroniseFolder(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException _) {
      // see above
    }
  }
}
