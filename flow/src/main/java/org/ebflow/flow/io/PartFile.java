package org.ebflow.flow.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * Where the content of a file is written before the file has it: {@code NAME.RANDOM.part} beside
 * it, renamed over it by {@link #publish}; closed before that, it leaves nothing. Of several
 * writers of one file each has a part of its own, and the last to publish wins, whole.
 *
 * <p>A signal that ends the JVM removes the parts too; only a killed process leaves them, see
 * {@link #removeLeftovers}.
 *
 * <p>Threading: not thread-safe; different parts are independent.
 */
public final class PartFile implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile(".*\\.[0-9a-f]{16}\\.part");

  /** Parts to remove when the JVM ends. */
  private static final Set<Path> UNPUBLISHED = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> UNPUBLISHED.forEach(PartFile::delete), "ebflow-parts"));
  }

  private final Path file;
  private final Path target;
  private final Path part;

  /** A part for that file; writes nothing yet. */
  public PartFile(Path file) {
    this.file = file;
    target = file.toAbsolutePath();
    String own = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    part = target.resolveSibling(target.getFileName() + "." + own + ".part");
    UNPUBLISHED.add(part);
  }

  /** Where to write the content. */
  public Path path() {
    return part;
  }

  /**
   * Gives the content, which must be complete and synchronised to the disk, the name of the file.
   */
  public void publish() throws IOException {
    Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    UNPUBLISHED.remove(part);
    Path folder = target.getParent();
    if (folder != null) {
      synchronise(folder);
    }
  }

  /** Removes the part unless it was published. */
  @Override
  public void close() {
    if (UNPUBLISHED.contains(part)) {
      delete(part);
      UNPUBLISHED.remove(part);
    }
  }

  private static void delete(Path part) {
    try {
      Files.deleteIfExists(part);
    } catch (IOException _) {
      // no reason to fail: nobody reads it
    }
  }

  /** What is thrown when the file can't be written, one line. */
  public UncheckedIOException failure(IOException e) {
    return new UncheckedIOException(file + ": cannot be written: " + reason(e), e);
  }

  private String reason(IOException e) {
    Path folder = target.getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      return "folder " + folder + " does not exist";
    }
    if (Files.isDirectory(target)) {
      return "a directory of that name exists";
    }
    return String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
  }

  /**
   * Removes the parts that killed processes left in a folder, which need not exist. Nobody else may
   * be writing files of that folder meanwhile. What can't be removed stays: it does no harm.
   */
  public static void removeLeftovers(Path folder) {
    try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, "*.part")) {
      for (Path part : parts) {
        if (NAME.matcher(part.toString()).matches()) {
          delete(part);
        }
      }
    } catch (IOException | DirectoryIteratorException _) {
      // see above
    }
  }

  /**
   * Makes the new name durable. The content already is, and some systems can't open folders, so a
   * failure is no failure to write.
   */
  private static void synchronise(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException _) {
      // see above
    }
  }
}
