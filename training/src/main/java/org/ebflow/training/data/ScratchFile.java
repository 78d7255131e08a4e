package org.ebflow.training.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.UUID;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import org.ebflow.linalg.CacheFolder;

/**
 * A file for what memory can't hold, in the user's cache: the folder for temporary files is often
 * held in memory itself.
 *
 * <p>The file has no name while it is open (on Windows it keeps one until it is closed), so nothing
 * of it is left when the process ends, however that happens.
 */
final class ScratchFile {
  private static final String ALL = "scratch";
  private static final double GIBIBYTE = 1L << 30;

  private ScratchFile() {}

  /** A new file, to be read and written; it is there as long as it is open or mapped. */
  static FileChannel open() throws IOException {
    return FileChannel.open(
        folder().resolve(UUID.randomUUID().toString()),
        StandardOpenOption.CREATE_NEW,
        StandardOpenOption.READ,
        StandardOpenOption.WRITE,
        StandardOpenOption.DELETE_ON_CLOSE);
  }

  static Path folder() {
    return CacheFolder.writable(ALL);
  }

  /**
   * Compares with what the disk has left.
   *
   * @param what is to be kept there, for the message
   * @throws InvalidInputException with both figures, if there is less
   */
  static void requireSpace(String what, long bytes) {
    Path folder = folder();
    long there;
    try {
      there = Files.getFileStore(folder).getUsableSpace();
    } catch (IOException e) {
      throw failure(folder, e);
    }
    if (bytes > there) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "%s, which memory can't hold: expected %.1f GiB of disk in %s, found %.1f GiB (EBFLOW_CACHE names another place)",
              what,
              bytes / GIBIBYTE,
              folder,
              there / GIBIBYTE));
    }
  }

  static UncheckedIOException failure(Path folder, IOException e) {
    return new UncheckedIOException(
        folder
            + ": rows that memory can't hold cannot be written: "
            + OneLine.message(e)
            + " (EBFLOW_CACHE names another place)",
        e);
  }
}
