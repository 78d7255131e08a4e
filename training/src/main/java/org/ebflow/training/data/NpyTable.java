package org.ebflow.training.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows of a two-dimensional NPY array. */
final class NpyTable extends TableReader {
  private final InputStream in;
  private final NpyHeader header;
  private final byte[] bytes;
  private final ByteBuffer buffer;
  private long row;
  private int badColumn;

  private NpyTable(InputFile file, InputStream in, NpyHeader header) {
    super(file, List.of(), header.columns());
    this.in = in;
    this.header = header;
    this.bytes = new byte[header.columns() * header.type().bytes()];
    this.buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static NpyTable open(InputFile file) throws IOException {
    InputStream in = file.open();
    try {
      return new NpyTable(file, in, NpyHeader.read(file, in));
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  @Override
  public boolean next() {
    try {
      if (row == header.rows()) {
        if (in.read() >= 0) {
          throw file().invalid("expected the end after row " + row + ", found more data");
        }
        return false;
      }
      int read = in.readNBytes(bytes, 0, bytes.length);
      if (read < bytes.length) {
        throw file()
            .invalid(
                "expected "
                    + header.rows()
                    + " rows, found a truncated file: it ends in row "
                    + (row + 1)
                    + ", at offset "
                    + (header.bytes() + row * bytes.length + read));
      }
    } catch (IOException e) {
      throw file().failure(e);
    }
    row++;
    header.type().decode(buffer, values);
    badColumn = NonFinite.firstIn(values);
    return true;
  }

  @Override
  public long row() {
    return row;
  }

  @Override
  public long line() {
    return 0;
  }

  @Override
  public String id() {
    return Long.toString(row);
  }

  @Override
  public @Nullable String problem() {
    return badColumn < 0 ? null : "column " + (badColumn + 1) + " is " + values[badColumn];
  }

  @Override
  public boolean nonFinite() {
    return badColumn >= 0;
  }

  @Override
  public String place() {
    return "row " + row;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
