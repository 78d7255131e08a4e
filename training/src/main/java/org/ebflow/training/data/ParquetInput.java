package org.ebflow.training.data;

import dev.hardwood.InputFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A Parquet file of which each range is mapped for itself, and given back once the garbage
 * collector finds it unused. Hardwood's own maps the whole file until the end.
 */
final class ParquetInput implements InputFile {
  private final Path path;
  private @Nullable FileChannel channel;

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
  public ByteBuffer readRange(long offset, int length) throws IOException {
    FileChannel opened = Objects.requireNonNull(channel);
    if (offset < 0 || length < 0 || offset > opened.size() - length) {
      throw new IndexOutOfBoundsException(
          "bytes " + offset + " to " + (offset + length) + " of " + opened.size());
    }
    return opened.map(FileChannel.MapMode.READ_ONLY, offset, length);
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
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
  }
}
