package org.ebflow.flow.io;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A file open for its only writer, of this process and of all others, until it is closed or the
 * process ends.
 *
 * <p>A file system without locks, as some that are mounted from elsewhere, is no reason to fail:
 * there no other process is kept out, and one warning of this one says so.
 *
 * <p>Threading: {@link #open} is thread-safe, a file is not.
 */
public final class LockedFile implements AutoCloseable {
  private static final Logger LOGGER = System.getLogger(LockedFile.class.getName());
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  /**
   * Files that this process has open. None is opened again: where locks are those of POSIX, a
   * process that closes any channel of a file loses its lock.
   */
  private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

  private final RandomAccessFile content;
  private final Path place;
  private boolean open = true;

  private LockedFile(RandomAccessFile content, Path place) {
    this.content = content;
    this.place = place;
  }

  /**
   * Opens and locks a file, which is made where there is none.
   *
   * @return null where another writer has it
   */
  public static @Nullable LockedFile open(Path file) throws IOException {
    Path place = place(file.toAbsolutePath());
    if (!OPEN.add(place)) {
      return null;
    }
    RandomAccessFile content = null;
    boolean locked = false;
    try {
      content = new RandomAccessFile(file.toFile(), "rw");
      locked = lock(content.getChannel(), file);
      return locked ? new LockedFile(content, place) : null;
    } finally {
      if (!locked) {
        if (content != null) {
          content.close();
        }
        OPEN.remove(place);
      }
    }
  }

  /** The same for all names of a file. */
  private static Path place(Path file) {
    try {
      return file.resolveSibling("").toRealPath().resolve(file.getFileName());
    } catch (IOException _) {
      return file.normalize(); // opening it will say what is wrong
    }
  }

  /** False where another has the lock. */
  static boolean lock(FileChannel channel, Path file) {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException _) { // by this process, but not by this class
      return false;
    } catch (IOException e) {
      if (!WARNED.getAndSet(true)) {
        LOGGER.log(
            Level.WARNING,
            "{0}: can''t be locked ({1}), so nothing keeps two processes from writing it at once",
            file,
            OneLine.message(e));
      }
      return true;
    }
  }

  /**
   * The content. Not as a channel, which an interrupt of the thread would close while it writes.
   */
  public RandomAccessFile content() {
    return content;
  }

  /** Closes and unlocks the file; once more does nothing. */
  @Override
  public void close() throws IOException {
    if (open) {
      open = false;
      try {
        content.close();
      } finally {
        OPEN.remove(place);
      }
    }
  }
}
