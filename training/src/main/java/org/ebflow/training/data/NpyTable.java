package org.ebflow.training.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Rows of a two-dimensional NPY array. */
final class NpyTable extends TableReader {
  /** Whole numbers below are told from their neighbours. */
  private static final double MOST_WHOLE = 0x1p53;

  private final InputFile file;
  private final NpyRows rows;
  private final int[] cells;
  private final double[] all;
  private long row;
  private int badColumn;

  private NpyTable(InputFile file, NpyRows rows, ColumnChoice choice) {
    super(choice, null);
    this.file = file;
    this.rows = rows;
    this.cells = choice.cells();
    this.all = new double[rows.header().columns()];
  }

  static NpyTable open(InputFile file, TableOptions options) throws IOException {
    NpyRows rows = NpyRows.open(file);
    try {
      return new NpyTable(
          file, rows, ColumnChoice.ofNumbered(file, rows.header().columns(), options));
    } catch (RuntimeException e) {
      rows.close();
      throw e;
    }
  }

  @Override
  public boolean next() {
    try {
      if (!rows.next(all)) {
        return false;
      }
    } catch (IOException e) {
      throw file.failure(e);
    }
    row++;
    for (int slot = 0; slot < cells.length; slot++) {
      values[slot] = all[cells[slot]];
    }
    badColumn = NonFinite.firstIn(values);
    return true;
  }

  @Override
  public int nextGood(double[] target, int at, int most) {
    if (!places().isAll()) {
      return 0;
    }
    try {
      int good = rows.nextFinite(target, at, most);
      row += good;
      badColumn = good > 0 ? -1 : badColumn;
      return good;
    } catch (IOException e) {
      throw file.failure(e);
    }
  }

  @Override
  public long rows() {
    return rows.header().rows();
  }

  @Override
  public long row() {
    return row;
  }

  @Override
  public String id() {
    return choice().id() < 0 ? Long.toString(row) : text(all[choice().id()]);
  }

  /** A whole number without a point. */
  private static String text(double value) {
    return value == Math.rint(value) && Math.abs(value) < MOST_WHOLE
        ? Long.toString((long) value)
        : Double.toString(value);
  }

  @Override
  public @Nullable String problem() {
    return badColumn < 0 ? null : "column " + (cells[badColumn] + 1) + " is " + values[badColumn];
  }

  @Override
  public boolean nonFinite() {
    return badColumn >= 0;
  }

  @Override
  @Nullable MappedRows mapped(long most) throws IOException {
    NpyHeader header = rows.header();
    if (header.rows() > Integer.MAX_VALUE
        || header.rows() * dimension() * Double.BYTES <= most
        || file.compressed()
        || header.fortranOrder()
        || !MappedRows.maps(header.type())) {
      return null;
    }
    try (FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.READ)) {
      MemorySegment elements =
          channel.map(
              FileChannel.MapMode.READ_ONLY,
              header.bytes(),
              header.rows() * header.columns() * header.type().bytes(),
              Arena.ofAuto());
      return new MappedRows(
          elements,
          header.type(),
          header.byteOrder(),
          (int) header.rows(),
          header.columns(),
          places().isAll() ? null : cells);
    }
  }

  @Override
  double roundoff() {
    return rows.header().type() == NpyType.FLOAT32 ? FLOAT32_ROUNDOFF : super.roundoff();
  }

  @Override
  public void close() throws IOException {
    rows.close();
  }
}
