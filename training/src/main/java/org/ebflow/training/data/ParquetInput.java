package org.ebflow.training.data;

import dev.hardwood.InputFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A Parquet file of which each range is mapped for itself, until it is {@linkplain #release
 * released}. Hardwood's own maps the whole file until the end, and the garbage collector would
 * leave ranges that have grown old.
 *
 * <p>Threading: thread-safe.
 */
final class ParquetInput implements InputFile {
  private final Path path;
  private final List<Range> mapped = new ArrayList<>();
  private @Nullable FileChannel channel;

  /** Bytes up to {@code end} that lie in memory as long as the arena is open. */
  private record Range(long end, Arena arena) {}

  ParquetInput(Path path) {
    this.path = path;
  }

  @Override
  public void open() throws IOException {
    if (channel == null) {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    }
  }

  @Override
  @SuppressWarnings("MustBeClosed") // release closes the arena
  public synchronized ByteBuffer readRange(long offset, int length) throws IOException {
    FileChannel opened = Objects.requireNonNull(channel);
    if (offset < 0 || length < 0 || offset > opened.size() - length) {
      throw new IndexOutOfBoundsException(
          "bytes " + offset + " to " + (offset + length) + " of " + opened.size());
    }
    Arena arena = Arena.ofShared();
    try {
      ByteBuffer bytes =
          opened.map(FileChannel.MapMode.READ_ONLY, offset, length, arena).asByteBuffer();
      mapped.add(new Range(offset + length, arena));
      return bytes;
    } catch (IOException | RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /** Unmaps all ranges that end at that offset or before, which nobody may read any more. */
  synchronized void release(long end) {
    mapped.removeIf(
        range -> {
          if (range.end > end) {
            return false;
          }
          range.arena.close();
          return true;
        });
  }

  @Override
  public long length() throws IOException {
    return Objects.requireNonNull(channel).size();
  }

  @Override
  public String name() {
    return path.toString();
  }

  @Override
  public synchronized void close() throws IOException {
    release(Long.MAX_VALUE);
    if (channel != null) {
      channel.close();
    }
  }
}
