package org.ebflow.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/** Tables of the same columns, read as one: the rows of the first, then those of the next. */
final class TableSequence extends TableReader {
  private final List<Path> files;
  private final TableReader first;
  private final TableOptions options;
  private final BooleanSupplier stopping;
  private TableReader current;
  private int next = 1;
  private long row;

  private TableSequence(
      List<Path> files, TableReader first, TableOptions options, BooleanSupplier stopping) {
    super(first.choice(), first.note());
    this.files = files;
    this.first = first;
    this.stopping = stopping;
    this.options =
        first.image() != null
            ? options
            : options
                .withColumns(List.of())
                .withDrop(List.of())
                .forModel(new ModelColumns(first.dimension(), first.columns(), first.places()));
    current = first;
  }

  static TableSequence open(List<Path> files, TableOptions options, BooleanSupplier stopping) {
    TableReader first = TableReader.open(files.getFirst(), options, stopping);
    return new TableSequence(files, first, options, stopping);
  }

  @Override
  public boolean next() {
    while (!current.next()) {
      if (next == files.size()) {
        return false;
      }
      try {
        current.close();
      } catch (IOException e) {
        throw new UnreadableInputException(
            files.get(next - 1) + ": cannot be read: " + e.getMessage(), e);
      }
      current = openNext(files.get(next++));
    }
    row++;
    System.arraycopy(current.values(), 0, values, 0, values.length);
    return true;
  }

  /** Columns may stand in another order where they have names. */
  private TableReader openNext(Path file) {
    TableReader opened = TableReader.open(file, options, stopping);
    if (!Objects.equals(opened.image(), first.image())) {
      throw new InvalidInputException(
          file
              + ": expected "
              + rowsOf(first)
              + ", as "
              + files.getFirst()
              + " has, found "
              + rowsOf(opened));
    }
    int width = opened.places().width();
    if (opened.dimension() != first.dimension() || width != first.places().width()) {
      throw new InvalidInputException(
          file
              + ": expected the "
              + first.places().width()
              + " columns of "
              + files.getFirst()
              + ", found "
              + width);
    }
    return opened;
  }

  private static String rowsOf(TableReader table) {
    Shape image = table.image();
    return image == null
        ? "rows of a table"
        : String.format(
            Locale.ROOT,
            "images of %d×%d with %d channels",
            image.width(),
            image.height(),
            image.channels());
  }

  @Override
  @Nullable Shape image() {
    return first.image();
  }

  @Override
  public long row() {
    return row;
  }

  @Override
  public long line(int before) {
    return current.line(before);
  }

  @Override
  public String id() {
    return current.id();
  }

  @Override
  public @Nullable String problem() {
    return current.problem();
  }

  @Override
  public boolean nonFinite() {
    return current.nonFinite();
  }

  @Override
  public String place(int before) {
    return files.get(next - 1).getFileName() + ", " + current.place(before);
  }

  @Override
  double roundoff() {
    return first.roundoff();
  }

  @Override
  public void close() throws IOException {
    current.close();
  }
}
