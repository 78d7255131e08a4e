package org.ebflow.flow.io;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Keeps two writers, of two processes or of one, from one file.
 *
 * <p>A file system without locks, as some that are mounted from elsewhere, is no reason to fail:
 * there nobody is kept out, and one warning of the process says so.
 */
public final class FileLocks {
  private static final Logger LOGGER = System.getLogger(FileLocks.class.getName());
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  private FileLocks() {}

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
