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
      if (!header.fortranOrder()) {
        return new InOrder(file, header, in);
      }
      in.close();
      return ByColumn.open(file, header);
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

  /** C order: as the bytes come. */
  private static final class InOrder extends NpyRows {
    private final InputFile file;
    private final InputStream in;
    private final byte[] bytes;
    private final ByteBuffer buffer;
    private long row;

    InOrder(InputFile file, NpyHeader header, InputStream in) {
      super(header);
      this.file = file;
      this.in = in;
      bytes = new byte[header.columns() * header.type().bytes()];
      buffer = ByteBuffer.wrap(bytes).order(header.byteOrder());
    }

    @Override
    boolean next(double[] values) throws IOException {
      if (row == header().rows()) {
        requireEnd(file, in, row);
        return false;
      }
      int read = in.readNBytes(bytes, 0, bytes.length);
      if (read < bytes.length) {
        throw file.invalid(
            "expected "
                + header().rows()
                + " rows, found a truncated file: it ends in row "
                + (row + 1)
                + ", at offset "
                + (header().bytes() + row * bytes.length + read));
      }
      row++;
      header().type().decode(buffer, values.length, values, 0, 1);
      return true;
    }

    @Override
    public void close() throws IOException {
      in.close();
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
        requireEnd(file, in, header.rows());
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
        header().type().decode(piece, rows, block, column, header().columns());
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private static void requireEnd(InputFile file, InputStream in, long rows) throws IOException {
    if (in.read() >= 0) {
      throw file.invalid("expected the end after row " + rows + ", found more data");
    }
  }
}
