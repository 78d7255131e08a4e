package org.ebflow.flow.io;

import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where the content of a file is written before the file has it: {@code NAME.RANDOM.part} beside
 * it, renamed over it by {@link #publish}; closed before that, it leaves nothing. Of several
 * writers of one file each has a part of its own, and the last to publish wins, whole.
 *
 * <p>A signal that ends the JVM removes the parts too; only a killed process leaves them. A part is
 * locked while it is written, so the next part for the same file removes what killed processes left
 * of it, and nothing that another process still writes.
 *
 * <p>A {@linkplain #resumable resumable} part is {@code NAME.part}. There is one for a file, which
 * one process at a time may write, and it stays until it is published or {@linkplain #discard
 * discarded}.
 *
 * <p>Threading: not thread-safe; different parts are independent.
 */
public final class PartFile implements AutoCloseable {
  private static final String END = "\\.[0-9a-f]{16}\\.part";
  private static final Pattern NAME = Pattern.compile(".*" + END, Pattern.DOTALL);

  /** Parts to remove when the JVM ends. */
  private static final Set<Path> UNPUBLISHED = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> UNPUBLISHED.forEach(PartFile::delete), "ebflow-parts"));
  }

  private final Path file;
  private final Path target;
  private final Path part;
  private final LockedFile locked;
  private final RandomAccessFile content;
  private boolean open = true;

  /**
   * A new, empty part for that file.
   *
   * @throws UncheckedIOException with a one-line message when it can't be created
   */
  public PartFile(Path file) {
    this(file, "." + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()), false);
  }

  /**
   * The part that an earlier process may have left of that file, or a new one.
   *
   * @throws UncheckedIOException with a one-line message when it can't be opened, or another writes
   *     it now
   */
  public static PartFile resumable(Path file) {
    return new PartFile(file, "", true);
  }

  private PartFile(Path file, String own, boolean resumable) {
    this.file = file;
    target = file.toAbsolutePath();
    part = target.resolveSibling(target.getFileName() + own + ".part");
    removeLeftoversOf(file);
    if (!resumable) {
      UNPUBLISHED.add(part);
    }
    try {
      if (Files.isDirectory(target)) {
        throw new IOException("a directory of that name exists");
      }
      locked = resumable ? openOnly(part) : open(part);
      content = locked.content();
    } catch (IOException e) {
      UNPUBLISHED.remove(part);
      throw failure(e);
    }
  }

  /** Creates and locks a part. */
  private static LockedFile open(Path part) throws IOException {
    while (true) {
      LockedFile opened = openIfFree(part);
      if (opened != null) {
        return opened;
      } // else another process took it for a leftover before it was locked
    }
  }

  /** Opens and locks a part that no other process may write meanwhile. */
  private static LockedFile openOnly(Path part) throws IOException {
    LockedFile opened = openIfFree(part);
    if (opened == null) {
      throw new IOException("another call is writing it");
    }
    return opened;
  }

  /** Null where another has it, or has removed it. */
  private static @Nullable LockedFile openIfFree(Path part) throws IOException {
    LockedFile opened = LockedFile.open(part);
    if (opened != null && Files.notExists(part)) {
      opened.close();
      return null;
    }
    return opened;
  }

  /** Where the content is until it is published. */
  public Path path() {
    return part;
  }

  /** Appends to the part, unbuffered; closing it does nothing. */
  public OutputStream stream() {
    return new OutputStream() {
      @Override
      public void write(int value) throws IOException {
        content.write(value);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        content.write(bytes, offset, length);
      }
    };
  }

  /** The content, to be read; appending goes on where its position is. */
  public RandomAccessFile content() {
    return content;
  }

  /** Bytes in the part. */
  public long length() throws IOException {
    return content.length();
  }

  /** Cuts the part off; appending goes on there. */
  public void truncate(long length) throws IOException {
    content.setLength(length);
    content.seek(length);
  }

  /**
   * Makes what was written so far durable.
   *
   * @throws IOException also if somebody has removed the part: what is written is lost
   */
  public void synchronise() throws IOException {
    content.getFD().sync();
    if (Files.notExists(part)) {
      throw new IOException("the unfinished file was removed");
    }
  }

  /** Replaces the first bytes, already written; appending goes on at the end. */
  public void overwriteStart(byte[] bytes) throws IOException {
    long end = content.getFilePointer();
    content.seek(0);
    content.write(bytes);
    content.seek(end);
  }

  /** Writes the content, which must be complete, to the disk and gives it the name of the file. */
  public void publish() throws IOException {
    content.getFD().sync();
    try {
      rename();
    } catch (FileSystemException _) {
      locked.close(); // some systems rename no open file
      rename();
    }
    UNPUBLISHED.remove(part);
    open = false;
    locked.close();
    synchronise(Objects.requireNonNull(target.getParent()));
  }

  private void rename() throws IOException {
    Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Removes the part unless it was published, or is resumable: then it stays for the next. */
  @Override
  public void close() {
    if (UNPUBLISHED.contains(part)) {
      discard();
    } else if (open) {
      closeContent();
    }
  }

  /** Removes the part unless it was published. */
  public void discard() {
    if (open) {
      closeContent();
      delete(part);
      UNPUBLISHED.remove(part);
    }
  }

  private void closeContent() {
    open = false;
    try {
      locked.close();
    } catch (IOException _) {
      // no reason to fail: nobody reads it
    }
  }

  private static void delete(Path part) {
    try {
      Files.deleteIfExists(part);
    } catch (IOException _) {
      // as above
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
    return OneLine.message(e);
  }

  /** Removes the parts that killed processes left in a folder, which need not exist. */
  public static void removeLeftovers(Path folder) {
    removeLeftovers(folder, NAME.asMatchPredicate());
  }

  /** Removes the parts of that file that killed processes left. */
  public static void removeLeftoversOf(Path file) {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder != null) {
      String name = Pattern.quote(target.getFileName().toString()) + END;
      removeLeftovers(folder, Pattern.compile(name).asMatchPredicate());
    }
  }

  /** What can't be removed stays: it does no harm. */
  private static void removeLeftovers(Path folder, Predicate<String> name) {
    try (DirectoryStream<Path> parts =
        Files.newDirectoryStream(folder, part -> name.test(part.getFileName().toString()))) {
      parts.forEach(PartFile::removeUnlessWritten);
    } catch (IOException | DirectoryIteratorException _) {
      // see above
    }
  }

  /**
   * Deletes the part unless it is locked, or may be where the system has no locks; one of this
   * process isn't even opened.
   */
  private static void removeUnlessWritten(Path part) {
    if (UNPUBLISHED.contains(part.toAbsolutePath())) {
      return;
    }
    try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
      if (channel.tryLock() != null) {
        delete(part);
      }
    } catch (IOException | OverlappingFileLockException _) {
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
