package org.ebflow.training.data;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;

/**
 * Rows of doubles as they are written to a {@link ScratchFile}, to be mapped from there.
 *
 * <p>The file has float32 as long as that is exact for every value. At the first other one it is
 * written anew as float64, once.
 */
final class ScratchRows implements Closeable {
  private static final int BUFFER = 1 << 20;

  private final int dimension;
  private final String name;
  private final long expected;
  private final ByteBuffer buffer;
  private NpyType type = NpyType.FLOAT32;
  private FileChannel channel;
  private int rows;

  /**
   * @param name of the table, for messages
   * @param expected number of rows, or -1 where it is not known
   */
  ScratchRows(int dimension, String name, long expected) {
    this.dimension = dimension;
    this.name = name;
    this.expected = expected;
    buffer =
        ByteBuffer.allocateDirect(Math.max(BUFFER, dimension * Double.BYTES))
            .order(ByteOrder.nativeOrder());
    try {
      channel = ScratchFile.open();
    } catch (IOException e) {
      throw ScratchFile.failure(ScratchFile.folder(), e);
    }
  }

  /** Refuses so many values of that type, of a table of that name, if the disk lacks the space. */
  static void requireSpace(String name, long values, NpyType type) {
    ScratchFile.requireSpace(name, values * type.bytes());
  }

  /** Appends the {@code dimension} values at {@code values[from…]}. */
  void add(double[] values, int from) {
    try {
      if (type == NpyType.FLOAT32 && !areFloats(values, from)) {
        widen();
      }
      if (buffer.remaining() < dimension * type.bytes()) {
        flush();
      }
      for (int i = from; i < from + dimension; i++) {
        if (type == NpyType.FLOAT32) {
          buffer.putFloat((float) values[i]);
        } else {
          buffer.putDouble(values[i]);
        }
      }
    } catch (IOException e) {
      throw ScratchFile.failure(ScratchFile.folder(), e);
    }
    rows = Math.incrementExact(rows);
  }

  private boolean areFloats(double[] values, int from) {
    for (int i = from; i < from + dimension; i++) {
      if ((float) values[i] != values[i]) {
        return false;
      }
    }
    return true;
  }

  private void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  private void widen() throws IOException {
    flush();
    type = NpyType.FLOAT64;
    requireSpace(name, Math.max(rows, expected) * dimension, type);
    try (FileChannel narrow = channel) {
      channel = ScratchFile.open();
      ByteBuffer floats = ByteBuffer.allocateDirect(BUFFER / 2).order(ByteOrder.nativeOrder());
      long left = (long) rows * dimension * Float.BYTES;
      narrow.position(0);
      while (left > 0) {
        floats.clear().limit((int) Math.min(left, floats.capacity()));
        while (floats.hasRemaining()) {
          if (narrow.read(floats) < 0) {
            throw new EOFException("expected more data, found the end of the file");
          }
        }
        left -= floats.flip().remaining();
        while (floats.hasRemaining()) {
          buffer.putDouble(floats.getFloat());
        }
        flush();
      }
    }
  }

  /** The rows added, mapped. */
  MappedRows build() {
    try (FileChannel written = channel) {
      flush();
      return new MappedRows(
          written.map(
              FileChannel.MapMode.READ_ONLY,
              0,
              (long) rows * dimension * type.bytes(),
              Arena.ofAuto()),
          type,
          ByteOrder.nativeOrder(),
          rows,
          dimension,
          null);
    } catch (IOException e) {
      throw ScratchFile.failure(ScratchFile.folder(), e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
