package org.ebflow.training.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/** Rows of a two-dimensional NPY array, or images of a larger one as rows of pixels. */
final class NpyTable extends TableReader {
  /** Whole numbers below are told from their neighbours. */
  private static final double MOST_WHOLE = 0x1p53;

  private final InputFile file;
  private final NpyRows rows;
  private final int[] cells;
  private final boolean inFileOrder;
  private final double[] all;
  private long row;
  private int badColumn;

  private NpyTable(InputFile file, NpyRows rows, ColumnChoice choice) {
    super(choice, null);
    NpyHeader.Images images = rows.header().images();
    this.file = file;
    this.rows = rows;
    this.cells = images == null ? choice.cells() : images.cells();
    this.inFileOrder = places().isAll() && (images == null || !images.channelsFirst());
    this.all = new double[rows.header().columns()];
  }

  static NpyTable open(InputFile file, TableOptions options) throws IOException {
    NpyRows rows = NpyRows.open(file);
    try {
      NpyHeader header = rows.header();
      if (header.images() != null) {
        requireImages(file, header.images(), options);
      }
      return new NpyTable(
          file,
          rows,
          header.images() == null
              ? ColumnChoice.ofNumbered(file, header.columns(), options)
              : ColumnChoice.all(header.columns()));
    } catch (RuntimeException e) {
      rows.close();
      throw e;
    }
  }

  private static void requireImages(InputFile file, NpyHeader.Images images, TableOptions options) {
    if (options.choosesColumns() || options.idColumn() != null) {
      throw file.invalid("expected no choice of columns for an array of images, found one");
    }
    if (options.model() != null) {
      options.model().requireImages(file.path().toString(), images.shape());
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
    if (!inFileOrder) {
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
          inFileOrder ? null : cells);
    }
  }

  @Override
  @Nullable Shape image() {
    NpyHeader.Images images = rows.header().images();
    return images == null ? null : images.shape();
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
