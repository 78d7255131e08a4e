package org.ebflow.training.data;

import java.io.IOException;
import java.io.InputStream;
import org.ebflow.flow.layer.Shape;

/** Images of an idx file as rows of pixels, one after the other. */
final class IdxTable extends TableReader {
  private final InputFile file;
  private final IdxFile.Header header;
  private final InputStream in;
  private final byte[] pixels;
  private long row;

  private IdxTable(InputFile file, IdxFile.Header header, InputStream in) {
    super(ColumnChoice.all(header.size()), null);
    this.file = file;
    this.header = header;
    this.in = in;
    pixels = new byte[header.size()];
  }

  static IdxTable open(InputFile file, TableOptions options) throws IOException {
    if (options.choosesColumns() || options.idColumn() != null) {
      throw file.invalid("expected no choice of columns for idx images, found one");
    }
    InputStream in = file.open();
    try {
      IdxFile.Header header = IdxFile.Header.read(file, in);
      file.requireColumns(header.size());
      if (options.model() != null) {
        options.model().requireImages(file.path().toString(), header.shape());
      }
      return new IdxTable(file, header, in);
    } catch (IOException | RuntimeException e) {
      in.close();
      throw e;
    }
  }

  @Override
  public boolean next() {
    try {
      if (row == header.count()) {
        header.requireEnd(file, in);
        return false;
      }
      int read = in.readNBytes(pixels, 0, pixels.length);
      if (read < pixels.length) {
        throw header.truncated(file, row * pixels.length + read);
      }
    } catch (IOException e) {
      throw file.failure(e);
    }
    row++;
    for (int i = 0; i < values.length; i++) {
      values[i] = pixels[i] & 0xFF;
    }
    return true;
  }

  @Override
  public long rows() {
    return header.count();
  }

  @Override
  public long row() {
    return row;
  }

  @Override
  Shape image() {
    return header.shape();
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
