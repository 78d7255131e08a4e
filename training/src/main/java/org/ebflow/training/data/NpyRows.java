package org.ebflow.training.data;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The rows of an NPY array one after the other, in constant memory for either order. */
abstract sealed class NpyRows implements Closeable {
  private final NpyHeader header;

  private NpyRows(NpyHeader header) {
    this.header = header;
  }

  /** Opens an array; what is not one throws. */
  static NpyRows open(InputFile file) throws IOException {
    InputStream in = file.open();
    try {
      NpyHeader header = NpyHeader.read(file, in);
      if (!header.fortranOrder() && file.compressed()) {
        return new InOrder(file, header, Channels.newChannel(in));
      }
      in.close();
      return header.fortranOrder() ? ByColumn.open(file, header) : InOrder.open(file, header);
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  NpyHeader header() {
    return header;
  }

  /**
   * Reads the next row into {@code values} [columns], overwritten.
   *
   * @return false after the last row
   */
  abstract boolean next(double[] values) throws IOException;

  /**
   * Reads the next rows, as many as lie in memory and are finite.
   *
   * @param target overwritten: [rows,columns] from {@code at} on
   * @param most rows
   * @return number of rows; 0 where {@link #next} must be asked
   */
  int nextFinite(double[] target, int at, int most) throws IOException {
    return 0;
  }

  /** C order: as the bytes come, many rows at a time. */
  private static final class InOrder extends NpyRows {
    /** Bytes in memory, if a row has no more. */
    private static final int BLOCK = 1 << 17;

    private final InputFile file;
    private final ReadableByteChannel elements;
    private final int rowBytes;
    private final ByteBuffer buffer;
    private int blockRows;

    /** Next row of the block. */
    private int within;

    /** Rows of the blocks before. */
    private long rowsBefore;

    InOrder(InputFile file, NpyHeader header, ReadableByteChannel elements) {
      super(header);
      this.file = file;
      this.elements = elements;
      rowBytes = header.columns() * header.type().bytes();
      int rows = Math.clamp(header.rows(), 1, Math.max(1, BLOCK / rowBytes));
      buffer = ByteBuffer.allocateDirect(rows * rowBytes).order(header.byteOrder());
    }

    static InOrder open(InputFile file, NpyHeader header) throws IOException {
      FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.READ);
      try {
        return new InOrder(file, header, channel.position(header.bytes()));
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    }

    @Override
    boolean next(double[] values) throws IOException {
      if (within == blockRows && !readBlock()) {
        return false;
      }
      header().type().decode(buffer, within * rowBytes, values.length, values, 0, 1);
      within++;
      return true;
    }

    @Override
    int nextFinite(double[] target, int at, int most) throws IOException {
      if (within == blockRows && !readBlock()) {
        return 0;
      }
      int columns = header().columns();
      int count = Math.min(most, blockRows - within);
      boolean finite =
          header().type().decode(buffer, within * rowBytes, count * columns, target, at, 1);
      int good = finite ? count : NonFinite.rowsBefore(target, at, count, columns);
      within += good;
      return good;
    }

    private boolean readBlock() throws IOException {
      rowsBefore += blockRows;
      within = 0;
      blockRows = (int) Math.min(header().rows() - rowsBefore, buffer.capacity() / rowBytes);
      buffer.clear().limit(Math.max(1, blockRows * rowBytes));
      while (buffer.hasRemaining() && elements.read(buffer) >= 0) {}
      int read = buffer.position();
      if (blockRows == 0) {
        requireEnd(file, read == 0, rowsBefore);
        return false;
      }
      if (read < blockRows * rowBytes) {
        throw file.invalid(
            "expected "
                + header().rows()
                + " rows, found a truncated file: it ends in row "
                + (rowsBefore + read / rowBytes + 1)
                + ", at offset "
                + (header().bytes() + rowsBefore * rowBytes + read));
      }
      return true;
    }

    @Override
    public void close() throws IOException {
      elements.close();
    }
  }

  /**
   * Fortran order: a piece of every column for some rows at a time, read from where it lies. A
   * compressed file is unpacked into a {@link ScratchFile} for as long as it is open.
   */
  private static final class ByColumn extends NpyRows {
    /** Elements in memory. */
    private static final int BLOCK = 1 << 20;

    private final FileChannel channel;
    private final double[] block;
    private final ByteBuffer piece;
    private final int blockRows;
    private long row;

    private ByColumn(NpyHeader header, FileChannel channel) {
      super(header);
      this.channel = channel;
      blockRows = Math.clamp(header.rows(), 1, Math.max(1, BLOCK / header.columns()));
      block = new double[blockRows * header.columns()];
      piece =
          ByteBuffer.allocateDirect(blockRows * header.type().bytes()).order(header.byteOrder());
    }

    static ByColumn open(InputFile file, NpyHeader header) throws IOException {
      FileChannel channel = file.compressed() ? unpacked(file, header) : plain(file.path());
      return new ByColumn(header, channel);
    }

    private static FileChannel plain(Path path) throws IOException {
      return FileChannel.open(path, StandardOpenOption.READ);
    }

    private static FileChannel unpacked(InputFile file, NpyHeader header) throws IOException {
      FileChannel channel = ScratchFile.open();
      try (InputStream in = file.open()) {
        long expected = header.bytes() + header.rows() * header.columns() * header.type().bytes();
        ReadableByteChannel content = Channels.newChannel(in);
        for (long at = 0; at < expected; ) {
          long copied = channel.transferFrom(content, at, expected - at);
          if (copied == 0) {
            throw file.invalid("expected " + expected + " bytes, found a truncated file of " + at);
          }
          at += copied;
        }
        requireEnd(file, in.read() < 0, header.rows());
        return channel;
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    }

    @Override
    boolean next(double[] values) throws IOException {
      if (row == header().rows()) {
        return false;
      }
      int within = (int) (row % blockRows);
      if (within == 0) {
        readBlock();
      }
      row++;
      System.arraycopy(block, within * values.length, values, 0, values.length);
      return true;
    }

    private void readBlock() throws IOException {
      int rows = (int) Math.min(blockRows, header().rows() - row);
      int bytes = header().type().bytes();
      for (int column = 0; column < header().columns(); column++) {
        piece.clear().limit(rows * bytes);
        long at = header().bytes() + (column * header().rows() + row) * bytes;
        while (piece.hasRemaining()) {
          int read = channel.read(piece, at + piece.position());
          if (read < 0) {
            throw new EOFException();
          }
        }
        header().type().decode(piece, 0, rows, block, column, header().columns());
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private static void requireEnd(InputFile file, boolean end, long rows) {
    if (!end) {
      throw file.invalid("expected the end after row " + rows + ", found more data");
    }
  }
}
