package org.ebflow.flow.io;

import java.io.IOException;
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
 * Keeps two writers, of two processes or of one, from one file. A writer {@linkplain #claim claims}
 * the file, opens and {@linkplain #tryLock locks} it, and gives the claim back when it has closed
 * it.
 *
 * <p>A file system without locks, as some that are mounted from elsewhere, is no reason to fail:
 * there nobody is kept out, and one warning of the process says so.
 */
public final class FileLocks {
  private static final Logger LOGGER = System.getLogger(FileLocks.class.getName());
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  /** Files that this process has claimed. */
  private static final Set<Path> CLAIMED = ConcurrentHashMap.newKeySet();

  private FileLocks() {}

  /**
   * Claims a file among the writers of this process. To be done before it is opened: where locks
   * are those of POSIX, a process that closes any channel of a file loses its lock.
   *
   * @param file in a folder that exists
   * @return what gives it back; null where another writer has it
   */
  public static @Nullable Runnable claim(Path file) {
    Path place = place(file.toAbsolutePath());
    return CLAIMED.add(place) ? () -> CLAIMED.remove(place) : null;
  }

  private static Path place(Path file) {
    try {
      return file.resolveSibling("").toRealPath().resolve(file.getFileName());
    } catch (IOException _) {
      return file.normalize(); // opening it will say what is wrong
    }
  }

  /**
   * Locks the file of a channel until that is closed.
   *
   * @param file for the warning
   * @return false where another has the lock
   */
  public static boolean tryLock(FileChannel channel, Path file) {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException _) { // by this process
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
}
